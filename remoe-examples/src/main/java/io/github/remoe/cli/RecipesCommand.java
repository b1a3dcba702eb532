package io.github.remoe.cli;

import io.github.remoe.run.Recipes;
import io.github.remoe.run.RunConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/** Lists the recipes, or shows one. */
@Command(
        name = "recipes",
        description = "Lists the recipes of 'train', or prints the settings of one as the YAML that"
                + " 'train --config' takes.",
        mixinStandardHelpOptions = true)
final class RecipesCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "NAME", description = "The recipe to show.")
    private String name;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (name == null) {
            Recipes.names().forEach(out::println);
        } else {
            out.print(RunConfig.recipe(name).toYaml());
        }
        out.flush();
        return 0;
    }
}
