package io.github.remoe.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.entry;

import io.github.remoe.run.RunConfig;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

class GridTest {

    private static final Path OUT = Path.of("out");

    private static Grid grid(Experiment experiment, String scale, Map<String, ?> overrides) {
        return Grid.of(experiment, Scale.of(scale), List.of(4L, 5L), overrides, Map.of(), OUT);
    }

    private static Map<String, RunConfig> configs(Grid grid) {
        return grid.cells().stream()
                .collect(Collectors.toMap(Cell::name, Cell::config, (first, second) -> first));
    }

    @Test
    void theStartIsFirstThenAllCellsWithOneSeed() {
        assertThat(grid(Experiment.GATES, "micro", Map.of()).cells())
                .extracting(Cell::path)
                .containsExactly(
                        OUT.resolve("start/seed-0"),
                        OUT.resolve("gate-uniform/seed-4"),
                        OUT.resolve("gate-mlp/seed-4"),
                        OUT.resolve("remoe/seed-4"),
                        OUT.resolve("gate-uniform/seed-5"),
                        OUT.resolve("gate-mlp/seed-5"),
                        OUT.resolve("remoe/seed-5"));
    }

    @Test
    void overridesGoBeforeTheScaleAndBehindTheRow() {
        Map<String, RunConfig> configs = configs(grid(
                Experiment.EXPERTS,
                "micro",
                Map.of("epochs", "3", "lambdaAlign", "0.25", "data", "synthetic")));
        assertThat(configs.get("remoe").epochs()).isEqualTo(3);
        assertThat(configs.get("remoe").lambdaAlign()).isEqualTo(0.25f);
        assertThat(configs.get("without-align").lambdaAlign()).isZero();
        assertThat(configs.get("start").epochs()).isEqualTo(6);
        assertThat(configs.get("start").data()).isEqualTo("synthetic");
    }

    @Test
    void plainCellsDoNotDependOnTheSettingsOfReMoE() {
        RunConfig plain = configs(grid(Experiment.EXPERTS, "micro", Map.of())).get("sat");
        Map<String, Object> overrides =
                Map.of("lambdaAlign", 0.5, "beta", 0.2, "topK", 1, "layers", List.of(2));
        Map<String, RunConfig> configs = configs(grid(Experiment.EXPERTS, "micro", overrides));
        assertThat(configs.get("sat")).isEqualTo(plain);
        assertThat(configs.get("remoe").toMap())
                .contains(
                        entry("lambdaAlign", 0.5),
                        entry("beta", 0.2),
                        entry("topK", 1),
                        entry("layers", List.of(2)));
    }

    @Test
    void anInitialRunTakesTheStartsPlace() {
        Map<String, RunConfig> configs =
                configs(grid(Experiment.GATES, "micro", Map.of("initialRun", "pretrained")));
        assertThat(configs).doesNotContainKey("start");
        assertThat(configs.get("remoe").initialRun()).isEqualTo("pretrained");
    }

    @Test
    void theStartHasSettingsOfItsOwn() {
        Grid grid = Grid.of(
                Experiment.GATES,
                Scale.of("micro"),
                List.of(0L),
                Map.of("epochs", 1),
                Map.of("epochs", "9"),
                OUT);
        assertThat(configs(grid).get("start").epochs()).isEqualTo(9);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Grid.of(
                        Experiment.GATES,
                        Scale.of("paper"),
                        List.of(0L),
                        Map.of(),
                        Map.of("epochs", "9"),
                        OUT))
                .withMessageContaining("there is none");
    }

    @Test
    void otherNetworksThanTheScalesAreNamed() {
        assertThat(grid(Experiment.BACKBONES, "small", Map.of()).rows())
                .extracting(Grid.Line::name)
                .containsExactly(
                        "vit-s-start",
                        "deit-s-start",
                        "start",
                        "vit-s-sat",
                        "vit-s-remoe",
                        "deit-s-sat",
                        "deit-s-remoe",
                        "sat",
                        "remoe");
        assertThat(configs(grid(Experiment.BACKBONES, "small", Map.of()))
                        .get("vit-s-remoe")
                        .initialRun())
                .isEqualTo(OUT.resolve("vit-s-start/seed-0").toString());
        assertThat(configs(grid(Experiment.MAIN, "paper", Map.of())))
                .containsKeys("deit-s-sat", "deit-s-remoe-trades");
        assertThat(configs(grid(Experiment.EXPERTS, "paper", Map.of()))
                        .get("deit-t-sat")
                        .model())
                .isEqualTo("deit_tiny_patch4_32");
        assertThat(configs(grid(Experiment.MAIN, "paper", Map.of("model", "vit_micro_patch4_32"))))
                .containsKeys("sat", "remoe");
    }

    @Test
    void thePapersScaleIsTheRecipe() {
        assertThat(configs(grid(Experiment.MAIN, "paper", Map.of())).get("deit-s-sat"))
                .isEqualTo(RunConfig.recipe("cifar10-sat").with(Map.of("seed", 4)));
    }

    @Test
    void commonSettingsAreThoseOfAllCells() {
        assertThat(grid(Experiment.GATES, "micro", Map.of("epochs", 3)).commonSettings())
                .contains(entry("epochs", 3), entry("remoe", true), entry("optimizer", "ADAMW"))
                .doesNotContainKeys("gate", "seed", "beta");
        assertThat(Grid.of(
                                Experiment.GATES,
                                Scale.of("micro"),
                                List.of(7L),
                                Map.of(),
                                Map.of(),
                                OUT)
                        .commonSettings())
                .doesNotContainKeys("seed");
        assertThat(grid(Experiment.MAIN, "micro", Map.of()).commonSettings())
                .doesNotContainKeys("remoe", "scheme");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "seed | 3 | differ in seed",
                "remoe | true | differ in remoe",
                "scheme | NAT | differ in scheme",
                "epochs | 0 | epochs is '0'",
                "epoch | 1 | no setting 'epoch'. Did you mean 'epochs'?"
            })
    void wrongSettingsAreRefused(String name, String value, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> grid(Experiment.MAIN, "micro", Map.of(name, value)))
                .withMessageContaining(message);
    }

    @Test
    void wrongExperimentsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> grid(Experiment.BACKBONES, "micro", Map.of()))
                .withMessageContaining("ViT-S, DeiT-S, DeiT-T")
                .withMessageContaining("Choose another scale");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        grid(Experiment.BACKBONES, "small", Map.of("model", "vit_micro_patch4_32")))
                .withMessageContaining("differ in model");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Grid.of(
                        Experiment.MAIN,
                        Scale.of("micro"),
                        List.of(1L, 1L),
                        Map.of(),
                        Map.of(),
                        OUT))
                .withMessageContaining("[1, 1]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Scale.of("huge"))
                .withMessage("There is no scale 'huge'. Choose one of micro, small, paper.");
    }
}
