// A plain click is ours; one with a modifier key opens a tab, as on any link.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  themed(root);
  if (root.drawn !== data.html) {
    const focused = root.getRootNode().activeElement?.dataset?.exercise;
    root.innerHTML = root.drawn = data.html;
    if (focused) root.querySelector(`[data-exercise="${focused}"]`)?.focus();
  }
  root.onclick = (event) => {
    const link = event.target.closest("a[data-exercise]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    setTriggerValue("exercise", link.dataset.exercise);
  };
}
