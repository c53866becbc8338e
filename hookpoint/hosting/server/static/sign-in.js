// A link to sign in carries the token behind its #, which browsers never send: it is put into the form, and asked about
// once, since whoever made the link decides who you will be here.
"use strict";
const token = decodeURIComponent(location.hash.slice(1)), field = document.getElementById("f-token");
if (token && field) {
  field.value = token;
  history.replaceState(null, "", location.pathname); // the address bar may be on a projector
  document.getElementById("by-link").hidden = false;
  field.form.querySelector("button[type=submit]").focus();
}
