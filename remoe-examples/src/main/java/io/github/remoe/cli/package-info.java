/**
 * The command-line program over the libraries, one class a command; {@link io.github.remoe.cli.Main}
 * names them. Without a command it runs the {@link io.github.remoe.cli.Quickstart}.
 */
package io.github.remoe.cli;
