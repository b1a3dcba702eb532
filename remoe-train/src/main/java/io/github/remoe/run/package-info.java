/**
 * A training run: its settings, its folder, and what happens between its start and its end.
 *
 * <p>A {@link io.github.remoe.run.RunConfig} holds every setting, from the defaults, a recipe ({@link
 * io.github.remoe.run.Recipes}), a YAML file or changes by name. A {@link
 * io.github.remoe.run.TrainingRun} trains as it says and keeps everything in a {@link
 * io.github.remoe.run.RunFolder}.
 *
 * <pre>{@code
 * RunConfig config = RunConfig.recipe("cifar10-sat").with(Map.of("remoe", true));
 * RunFolder folder = new RunFolder(Path.of("runs/first"));
 * try (Model model = new TrainingRun(config, folder, Device.cpu()).train()) {
 *     // the network as it is at the end; folder.loadModel(Device.cpu()) is the best
 * }
 * }</pre>
 *
 * <p>The folder is also a DJL model folder, see {@code io.github.remoe.inference}.
 */
package io.github.remoe.run;
