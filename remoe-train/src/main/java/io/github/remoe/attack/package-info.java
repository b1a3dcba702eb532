/**
 * Adversarial attacks on image classifiers, one short file each.
 *
 * <p>Attacks live in pixel space: images are (B,C,h,w) in the pixel range of the {@link
 * io.github.remoe.attack.ThreatModel}, [0,1] by default, and what an attack returns is too.
 * Each sees the network through one seam only, {@link io.github.remoe.attack.TargetModel}, which
 * gives logits and input gradients of any DJL block without touching its parameters' gradients. An
 * {@link io.github.remoe.attack.Attack} is immutable; its randomness comes from one seed an image, so
 * what happens to an image depends neither on its batch nor on its place in it.
 */
package io.github.remoe.attack;
