// Returns what is wrong with how a page is laid out, a sentence each.
const SMALLEST_TEXT = 8.5;
const complaints = [];

function named(element) {
  const text = element.textContent.trim().slice(0, 30);
  return `${element.tagName.toLowerCase()} '${text}'`;
}

// How far to the right an element, its margin and its own text come.
function reach(element) {
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const content = style.overflowX === 'visible' ? box.left + element.scrollWidth : 0;
  return Math.max(box.right + parseFloat(style.marginRight), content);
}

function shown(element) {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0;
}

// A line of text is higher than its letters.
function letters(text) {
  const box = text.getBoundingClientRect();
  const upright = box.height > box.width;
  const x = upright ? 0.2 * box.width : 0;
  const y = upright ? 0 : 0.2 * box.height;
  return {left: box.left + x, right: box.right - x, top: box.top + y, bottom: box.bottom - y};
}

function overlap(a, b) {
  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
}

document.querySelectorAll('details').forEach((details) => {
  details.open = true;
});

const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) {
  const widest = [...document.querySelectorAll('main *')]
      .filter((e) => !(e instanceof SVGElement) && reach(e) > root.clientWidth + 1)
      .filter((e, i, all) => ![...e.children].some((child) => all.includes(child)))
      .slice(0, 3)
      .map(named);
  complaints.push(
      `The page is ${root.scrollWidth} wide in a window of ${root.clientWidth}: ${widest}`);
}

for (const figure of document.querySelectorAll('figure')) {
  const pictures = [...figure.querySelectorAll('svg, img')];
  if (pictures.length === 0) {
    complaints.push(`The figure ${figure.id} holds no picture`);
  }
  for (const picture of pictures) {
    const box = picture.getBoundingClientRect();
    if (box.width < 20 || box.height < 20) {
      complaints.push(`In ${figure.id} a picture is ${box.width} x ${box.height}`);
    }
    if (picture.tagName === 'IMG' && picture.naturalWidth === 0) {
      complaints.push(`In ${figure.id} a picture cannot be decoded`);
    }
  }
}

for (const svg of document.querySelectorAll('svg')) {
  const where = `In ${svg.closest('figure')?.id}`;
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')].filter(shown);
  const boxes = texts.map(letters);
  texts.forEach((text, i) => {
    const box = boxes[i];
    if (box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
      complaints.push(`${where} ${named(text)} is cut off`);
    }
    const size = parseFloat(getComputedStyle(text).fontSize) * frame.width
        / (svg.viewBox.baseVal?.width || frame.width);
    if (size < SMALLEST_TEXT) {
      complaints.push(`${where} ${named(text)} is ${size.toFixed(1)} pixels high`);
    }
    for (let j = 0; j < i; j++) {
      if (overlap(box, boxes[j])) {
        complaints.push(`${where} ${named(text)} overlaps ${named(texts[j])}`);
      }
    }
  });
}

for (const element of document.querySelectorAll('main *')) {
  const clipped = ['hidden', 'clip'].includes(getComputedStyle(element).overflowX);
  if (clipped && !element.closest('svg') && element.scrollWidth > element.clientWidth + 1
      && element.clientWidth > 1) {
    complaints.push(`${named(element)} is cut off`);
  }
}
return complaints;
