/** Short programs to copy from, each complete in itself. */
package io.github.remoe.examples;
