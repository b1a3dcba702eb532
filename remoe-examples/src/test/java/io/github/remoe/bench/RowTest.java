package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

class RowTest {

    @ParameterizedTest
    @CsvSource({
        "inference-64, 64",
        "pgd-step, 128",
        // 64 images: 10 steps of 2, a training pass of 3.
        "sat-step, 1472",
        // Another training pass.
        "remoe-sat-step, 1664",
        // 64 * (1 + 0.5 * 41 + 0.25 * 3)
        "evaluation, 1424",
        "autoattack, 0",
        "startup, 0",
        "data, 0"
    })
    void countsTheForwardPassesThatItCannotDoWithout(String row, double passes) {
        assertThat(Row.of(row).forwardPasses(64, 0.75, 0.5)).isEqualTo(passes);
    }

    @Test
    void takesAsManyImagesAsTheModelAllows() {
        BenchModel small = BenchModel.of("deit-t-32");
        BenchModel large = BenchModel.of("deit_tiny_patch16_224");

        assertThat(Row.SAT_STEP.batch(small)).isEqualTo(128);
        assertThat(Row.SAT_STEP.batch(large)).isEqualTo(8);
        assertThat(Row.EVALUATION.images(small)).isEqualTo(512);
        assertThat(Row.EVALUATION.images(large)).isEqualTo(32);
        assertThat(Row.EVALUATION.batch(large)).isEqualTo(16);
        assertThat(Row.AUTOATTACK.images(BenchModel.of("micro"))).isEqualTo(64);
        assertThat(Row.AUTOATTACK.images(small)).isEqualTo(16);
        assertThat(Row.INFERENCE_256.images(large)).isEqualTo(256);
    }

    @Test
    void whatLastsMinutesHasFewerRounds() {
        assertThat(Row.EVALUATION.rounds(5)).isEqualTo(3);
        assertThat(Row.AUTOATTACK.rounds(5)).isEqualTo(2);
        assertThat(Row.AUTOATTACK.rounds(1)).isEqualTo(1);
        assertThat(Row.SAT_STEP.rounds(5)).isEqualTo(5);
    }

    @Test
    void autoAttackOnLargeImagesIsAskedForByName() {
        List<BenchModel> models = List.of(BenchModel.of("micro"), BenchModel.of("deit-t-224"));

        assertThat(items(models, List.of()))
                .contains("micro autoattack", "deit-t-224 sat-step")
                .doesNotContain("deit-t-224 autoattack")
                .containsOnlyOnce("data");
        assertThat(items(models, List.of(Row.AUTOATTACK)))
                .containsExactly("micro autoattack", "deit-t-224 autoattack");
    }

    private static List<String> items(List<BenchModel> models, List<Row> rows) {
        return new BenchPlan(models, rows, 1, 1, "cpu", null, null, 0)
                .items().stream().map(BenchPlan.Item::toString).toList();
    }

    @Test
    void namesWhatThereIs() {
        assertThatThrownBy(() -> Row.of("luck"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("Unknown row 'luck'. Rows: inference-1, inference-64,");
        assertThatThrownBy(() -> BenchModel.of("luck"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Unknown model 'luck'")
                .hasMessageEndingWith("Short names: micro, deit-t-32, deit-t-224.");
    }
}
