package io.github.remoe.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.run.RunConfig;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What of the paper runs are shown beside. */
class PaperRowTest {

    private static final String TINY = "deit_tiny_patch4_32";

    private static Optional<PaperRow> nearest(Map<String, ?> changes) {
        return PaperRow.nearest(RunConfig.defaults().with(Map.of("model", TINY)).with(changes));
    }

    private static Optional<PaperRow> nearestToFull(Map<String, ?> changes) {
        Map<String, Object> all = new HashMap<>(Map.of("remoe", true));
        all.putAll(changes);
        return nearest(all);
    }

    private static void assertRow(
            Optional<PaperRow> row, String label, double pgd20, double autoAttack) {
        assertThat(row).hasValueSatisfying(found -> {
            assertThat(found.label()).isEqualTo(label);
            assertThat(found.figures().pgd20()).isEqualTo(pgd20);
            assertThat(found.figures().autoAttack()).isEqualTo(autoAttack);
        });
    }

    @Test
    void methodsOfThePaperAreFound() {
        assertRow(nearest(Map.of()), "SAT (no ReMoE), DeiT-T", 47.90, 44.90);
        assertRow(nearestToFull(Map.of()), "ReMoE (full), DeiT-T", 52.65, 48.93);
        assertRow(
                nearest(Map.of("scheme", "TRADES", "model", "deit_small_patch4_32")),
                "TRADES, DeiT-S",
                48.56,
                46.25);
    }

    @ParameterizedTest
    @CsvSource({
        "without, REGIONAL, 'without regional experts, DeiT-T', 50.82, 46.78",
        "without, CENTER, 'without centre expert, DeiT-T', 51.09, 46.91",
        "without, GLOBAL, 'without global expert, DeiT-T', 51.30, 47.19",
        "regionAdaptive, false, 'without L_rob, DeiT-T', 51.68, 46.88",
        "lambdaAlign, 0, 'without L_align, DeiT-T', 50.32, 47.19",
        "gate, UNIFORM, 'uniform, DeiT-T', 50.79, 46.73",
        "gate, MLP, 'MLP, DeiT-T', 50.99, 46.84"
    })
    void ablationsOfThePaperAreFound(
            String setting, String value, String label, double pgd20, double autoAttack) {
        assertRow(nearestToFull(Map.of(setting, value)), label, pgd20, autoAttack);
    }

    @Test
    void theSameNetworkComesFirst() {
        assertRow(
                nearestToFull(Map.of("model", "deit_small_patch4_32")),
                "ReMoE with SAT, DeiT-S",
                53.54,
                50.16);
        assertRow(
                nearestToFull(Map.of("model", "vit_small_patch4_32")),
                "ViT-S, ReMoE",
                52.20,
                49.03);
        // Of a network that the paper does not have: the row with most figures.
        assertRow(
                nearestToFull(Map.of("model", "vit_micro_patch4_32")),
                "ReMoE (full), DeiT-T",
                52.65,
                48.93);
        assertRow(nearest(Map.of("scheme", "TRADES")), "TRADES, DeiT-S", 48.56, 46.25);
    }

    @ParameterizedTest
    @CsvSource({
        "NAT, false",
        "NAT, true",
        "MART, false",
        "MART, true",
        "TRADES, true",
        "FAST_AT, false",
        "FAST_AT, true"
    })
    void whatThePaperHasNoFiguresForHasNone(String scheme, boolean remoe) {
        assertThat(nearest(Map.of("scheme", scheme, "remoe", remoe))).isEmpty();
    }

    @Test
    void whatIsLeftOutTogetherHasNone() {
        assertThat(nearestToFull(Map.of("regionAdaptive", false, "lambdaAlign", 0)))
                .isEmpty();
        assertThat(nearestToFull(Map.of("without", List.of("CENTER", "GLOBAL"))))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "layers, '[2, 6]'",
        "regions, 4x4",
        "topK, 4",
        "bottleneckRatio, 0.5",
        "centerRatio, 0.25",
        "lambda1, 0.1",
        "lambda2, 2.0",
        "lambdaAlign, 0.5",
        "beta, 0.9"
    })
    void whatDiffersIsSaid(String setting, String value) {
        Object set = setting.equals("layers") ? List.of(2, 6) : value;

        assertRow(
                nearestToFull(Map.of(setting, set)),
                "ReMoE (full), DeiT-T; here " + setting + " " + value,
                52.65,
                48.93);
    }

    @Test
    void allThatDiffersIsSaid() {
        assertRow(
                nearestToFull(Map.of("topK", 4, "regions", "4x4", "gate", "MLP")),
                "MLP, DeiT-T; here regions 4x4, topK 4",
                50.99,
                46.84);
        assertRow(
                nearest(Map.of("scheme", "TRADES", "tradesBeta", 3)),
                "TRADES, DeiT-S; here tradesBeta 3.0",
                48.56,
                46.25);
    }

    @Test
    void defaultsThatAreNamedAreNoDifference() {
        String full = "ReMoE (full), DeiT-T";
        assertRow(nearestToFull(Map.of("layers", List.of(6, 10), "topK", 2)), full, 52.65, 48.93);
        assertRow(
                nearestToFull(Map.of("model", "vit_micro_patch4_32", "layers", List.of(5, 3))),
                full,
                52.65,
                48.93);
        // One region cannot have two switched on.
        assertRow(
                nearestToFull(Map.of("regions", "1x1", "topK", 1)),
                full + "; here regions 1x1",
                52.65,
                48.93);
    }

    @Test
    void settingsWithoutEffectAreNoDifference() {
        assertRow(
                nearest(Map.of("regions", "4x4", "gate", "MLP", "lambdaAlign", 3, "beta", 1)),
                "SAT (no ReMoE), DeiT-T",
                47.90,
                44.90);
        assertRow(
                nearestToFull(Map.of("regionAdaptive", false, "beta", 1, "tradesBeta", 1)),
                "without L_rob, DeiT-T",
                51.68,
                46.88);
    }
}
