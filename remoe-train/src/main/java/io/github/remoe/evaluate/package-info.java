/**
 * Robust accuracy: how many images a model still classifies rightly under attack.
 *
 * <p>{@link io.github.remoe.evaluate.RobustEvaluator} measures it for several attacks and epsilons in
 * one pass over a dataset. It gives {@link io.github.remoe.evaluate.Verdicts}, one an image, from
 * which all accuracies follow, and which can be saved, gone on with and merged; {@link
 * io.github.remoe.evaluate.Results} is the content of {@code results.json}. {@link
 * io.github.remoe.evaluate.GradientMaskingCheck} looks whether they can be trusted.
 *
 * <pre>{@code
 * Verdicts verdicts = RobustEvaluator.builder(target, ThreatModel.linf(8 / 255f))
 *         .addAttack("pgd-20", threat -> Pgd.builder(threat).optSteps(20).build())
 *         .build()
 *         .evaluate("cifar10", testSet, manager, 100);
 * Accuracy clean = verdicts.clean();
 * Accuracy robust = verdicts.robust(0, 0); // the first attack at the first epsilon
 * }</pre>
 */
package io.github.remoe.evaluate;
