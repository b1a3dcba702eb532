"use strict";
document.addEventListener("click", event => {
  const button = event.target.closest("table.sortable thead button");
  if (!button) return;
  const head = button.parentElement;
  const table = head.closest("table");
  const column = head.cellIndex;
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  const key = row => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  // Cells without a number come last, whichever way.
  const sign = ascending ? 1 : -1;
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? sign * (a - b)
      : typeof a === "number" ? -1 : typeof b === "number" ? 1
      : sign * a.localeCompare(b);
  const rows = Array.from(table.tBodies[0].rows);
  rows.sort((a, b) => compare(key(a), key(b)));
  for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  table.tBodies[0].append(...rows);
});
// What is folded is to be printed, unless it is wider than a page.
const COLUMNS_OF_A_PAGE = 10;
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) {
    details.open = details.querySelector("tr").cells.length <= COLUMNS_OF_A_PAGE;
  }
});
