/**
 * What code that gradients flow through must do differently in DJL.
 *
 * <p>An operation keeps for its backward pass the operands that its gradient depends on. DJL's {@code
 * mul(Number)} makes an operand of borrowed memory and frees it at once; {@link
 * io.github.remoe.autograd.Constants} makes ones that last.
 *
 * <pre>{@code
 * NDArray total = loss.add(penalty.mul(Constants.scalar(penalty, 0.1)));
 * }</pre>
 */
package io.github.remoe.autograd;
