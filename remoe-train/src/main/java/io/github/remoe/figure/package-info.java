/**
 * Charts and pictures, drawn from plain numbers as SVG: text stays text, and a page may show the
 * drawing in colours of its own. {@link io.github.remoe.figure.Figure} is a drawing, whatever it
 * shows; the others draw one kind each, by a template that has the shapes.
 */
package io.github.remoe.figure;
