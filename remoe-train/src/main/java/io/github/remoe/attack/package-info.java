/**
 * Adversarial attacks on image classifiers, one short file each.
 *
 * <p>Attacks live in pixel space: images are (B,C,h,w) in the pixel range of the {@link
 * io.github.remoe.attack.ThreatModel}, [0,1] by default, and what an attack returns is too.
 * Each sees the network through one seam only, {@link io.github.remoe.attack.TargetModel}, which
 * gives logits and input gradients of any DJL block without touching its parameters' gradients. An
 * {@link io.github.remoe.attack.Attack} is immutable; its randomness comes from one seed an image, so
 * what happens to an image depends neither on its batch nor on its place in it.
 *
 * <pre>{@code
 * Attack attack = Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(20).build();
 * try (TargetModel target = new TargetModel(model)) {
 *     NDArray adversarial = attack.perturb(target, images, labels, seed);
 * }
 * }</pre>
 *
 * <ul>
 *   <li>{@link io.github.remoe.attack.Fgsm}, {@link io.github.remoe.attack.Pgd} and their kin climb the
 *       gradient of an {@link io.github.remoe.attack.AttackLoss}
 *   <li>{@link io.github.remoe.attack.CwL2}, {@link io.github.remoe.attack.DeepFool} and {@link
 *       io.github.remoe.attack.Fab} look for the smallest change that is enough
 *   <li>{@link io.github.remoe.attack.Square} asks for predictions alone
 *   <li>{@link io.github.remoe.attack.AutoAttack} takes several in turn
 *   <li>{@link io.github.remoe.attack.RoutingLoss}, {@link io.github.remoe.attack.RegionPgd} and {@link
 *       io.github.remoe.attack.DenseGate} are made against region experts
 * </ul>
 */
package io.github.remoe.attack;
