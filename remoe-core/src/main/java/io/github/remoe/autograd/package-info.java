/** What code that gradients flow through must do differently in DJL. */
package io.github.remoe.autograd;
