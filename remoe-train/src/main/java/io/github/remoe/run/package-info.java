/**
 * A training run: its settings, its folder, and what happens between its start and its end.
 *
 * <p>A {@link io.github.remoe.run.RunConfig} holds every setting, from the defaults, a recipe ({@link
 * io.github.remoe.run.Recipes}), a YAML file or changes by name. A {@link
 * io.github.remoe.run.TrainingRun} trains as it says and keeps everything in a {@link
 * io.github.remoe.run.RunFolder}.
 */
package io.github.remoe.run;
