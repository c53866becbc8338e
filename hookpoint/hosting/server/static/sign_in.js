// A link to sign in carries the token behind #, which browsers keep to themselves: it goes into the field, and waits
// for the press of the button, so that no link signs anybody in behind their back.
const field = document.querySelector('input[name="token"]');
const token = decodeURIComponent(location.hash.slice(1));
if (field && token) {
  field.value = token;
  history.replaceState(null, "", location.pathname);
  field.form.querySelector("button").focus();
}
