package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.types.Shape;

import io.github.remoe.run.RunConfig.Expert;
import io.github.remoe.run.RunConfig.SchemeType;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class RunConfigTest {

    @TempDir
    private Path temp;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "epochs | 0 | a whole number of at least 1",
                "epochs | 1.5 | a whole number of at least 1",
                "epochs | many | a whole number of at least 1",
                "epochs | 99999999999999999999 | a whole number of at least 1",
                "batchSize | 0 | a whole number of at least 1",
                "samples | -1 | a whole number of at least 0",
                "learningRate | 0 | a number above 0",
                "learningRate | NaN | a number above 0",
                "learningRate | Infinity | a number above 0",
                "beta | 1.01 | a number of at least 0 and at most 1",
                "epsilon | 8/0 | a number of at least 0 and at most 1",
                "remoe | yes | true or false",
                "scheme | SATT | NAT, SAT",
                "scheme | SATT | Did you mean SAT?",
                "layers | '[6, ten]' | a list of whole numbers",
                "layers | '[0]' | a list of whole numbers of at least 1",
                "without | 'centre' | Did you mean CENTER?"
            })
    void aValueThatIsNotAllowedIsToldWithWhatIs(String name, String value, String allowed) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.defaults().with(Map.of(name, value)))
                .withMessageStartingWith(name + " is '" + value + "', allowed is ")
                .withMessageContaining(allowed);
    }

    @Test
    void anUnknownNameIsToldWithTheNearestKnownOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.defaults().with(Map.of("learning_rate", 0.1)))
                .withMessage("There is no setting 'learning_rate'. Did you mean 'learningRate'?");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.recipe("cifar10-stat"))
                .withMessageContaining("no recipe 'cifar10-stat'. Did you mean 'cifar10-sat'?");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.defaults().with(Map.of("model", "deit_tiny_patch4")))
                .withMessageContaining("deit_tiny_patch4_32");
    }

    @Test
    void settingsThatDoNotFitEachOtherAreTold() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.defaults().with(Map.of("regions", "4")))
                .withMessageContaining("regions is '4', allowed is ROWSxCOLUMNS");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunConfig.defaults()
                        .with(Map.of("initialRun", "runs/a", "pretrained", "b.safetensors")))
                .withMessageContaining("initialRun is runs/a and pretrained is b.safetensors");
    }

    @Test
    void textIsReadAsOnACommandLine() {
        RunConfig config = RunConfig.defaults()
                .with(Map.of(
                        "epsilon", "4/255",
                        "scheme", "nat",
                        "layers", "6,10",
                        "without", "center,regional",
                        "milestones", "[-3]"));

        assertThat(config.epsilon()).isEqualTo(4 / 255f);
        assertThat(config.scheme()).isEqualTo(SchemeType.NAT);
        assertThat(config.layers()).containsExactly(6, 10);
        assertThat(config.without()).containsExactly(Expert.CENTER, Expert.REGIONAL);
        assertThat(config.milestones()).containsExactly(-3);
        assertThat(config.epochs()).isEqualTo(RunConfig.defaults().epochs());
    }

    @ParameterizedTest
    @MethodSource("io.github.remoe.run.Recipes#names")
    void everyRecipeComesBackFromYaml(String name) throws IOException {
        RunConfig config = RunConfig.recipe(name);
        Path file = Files.writeString(temp.resolve("config.yaml"), config.toYaml());

        assertThat(RunConfig.defaults().with(file)).isEqualTo(config);
    }

    @Test
    void aFileMayStartFromARecipe() throws IOException {
        Path file = temp.resolve("mine.yaml");
        Files.writeString(file, "recipe: imagenet-sat # the paper's\nepochs: 3\n");

        RunConfig config = RunConfig.defaults().with(file);

        assertThat(config).isEqualTo(RunConfig.recipe("imagenet-sat").with(Map.of("epochs", 3)));
    }

    @Test
    void aFileThatStartsFromAnotherRecipeIsRefused() throws IOException {
        Path file =
                Files.writeString(temp.resolve("mine.yaml"), "recipe: imagenet-sat\nepochs: 3\n");

        assertThat(RunConfig.recipe("imagenet-sat").with(file).epochs()).isEqualTo(3);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> RunConfig.recipe("cifar10-sat").with(file))
                .withMessageContaining("mine.yaml cannot be used")
                .withMessageContaining("'imagenet-sat', but another start was given too");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "epoch: 3 | no setting 'epoch'. Did you mean 'epochs'?",
                "epochs: [3] | epochs is '[3]'",
                "'epochs: ' | epochs has no value",
                "epochs | It holds no settings",
                "'epochs: 3\\nepochs: 4' | duplicate key",
                "recipe: cifar10 | no recipe 'cifar10'"
            })
    void aFileThatHoldsNoSettingsIsNamed(String text, String reason) throws IOException {
        Path file = Files.writeString(temp.resolve("bad.yaml"), text.replace("\\n", "\n"));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> RunConfig.defaults().with(file))
                .withMessageContaining("bad.yaml cannot be used")
                .withMessageContaining(reason);
    }

    @Test
    void thePaperSettingsAreInTheRecipes() {
        RunConfig cifar = RunConfig.recipe("cifar10-sat");
        RunConfig imagenet = RunConfig.recipe("imagenet-sat");

        assertThat(List.of(cifar.epochs(), cifar.warmUpEpochs(), cifar.attackSteps()))
                .containsExactly(50, 2, 10);
        assertThat(List.of(cifar.learningRate(), cifar.momentum(), cifar.epsilon()))
                .containsExactly(0.1f, 0.9f, 8 / 255f);
        assertThat(cifar.stepSize()).isEqualTo(2 / 255f);
        assertThat(imagenet.epochs()).isEqualTo(10);
        assertThat(imagenet.learningRate()).isEqualTo(0.01f);
        assertThat(imagenet.epsilon()).isEqualTo(4 / 255f);
    }

    @Test
    void theModelHasTheClassesAndTheBlocks() {
        RunConfig remoe = RunConfig.defaults().with(Map.of("remoe", true));

        assertThat(outputShapes(RunConfig.defaults())).containsExactly(new Shape(3, 10));
        // Two blocks of 2 x 2 regions.
        assertThat(outputShapes(remoe))
                .containsExactly(new Shape(3, 10), new Shape(3, 4), new Shape(3, 4));
    }

    private static Shape[] outputShapes(RunConfig config) {
        VisionTransformer vit = config.createModel(10);
        return vit.getOutputShapes(new Shape[] {vit.inputShape(3)});
    }

    @Test
    void settingsWithoutEffectAreTold() {
        assertThat(RunConfig.defaults().withoutEffect()).isEmpty();
        assertThat(RunConfig.defaults()
                        .with(Map.of("topK", 1, "optimizer", "ADAMW", "momentum", 0.5))
                        .withoutEffect())
                .containsExactlyInAnyOrder(
                        "topK has no effect: it needs remoe.",
                        "momentum has no effect: it needs SGD.");
        assertThat(RunConfig.defaults().with(Map.of("topK", 1, "remoe", true)).withoutEffect())
                .isEmpty();
        assertThat(Recipes.names())
                .allSatisfy(name ->
                        assertThat(RunConfig.recipe(name).withoutEffect()).isEmpty());
    }
}
