package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;

import ai.djl.Device;
import ai.djl.engine.Engine;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

class ResultsTest {

    private static Results.Builder builder() {
        EvaluationSettings settings = new EvaluationSettings(
                "0123",
                "cifar10",
                "4567",
                Norm.LINF,
                0,
                1,
                List.of(4 / 255f, 8 / 255f),
                List.of(
                        new EvaluationSettings.NamedAttack("fgsm", List.of("Fgsm[1]", "Fgsm[2]")),
                        new EvaluationSettings.NamedAttack(
                                "aa", List.of("Aa[1]", "Aa[2]"), List.of("ce", "square"))),
                false,
                7);
        // Wrong; robust to all but the last; broken by all.
        Verdicts verdicts = new Verdicts(
                settings,
                List.of(
                        new Verdict(0, 0, 1, List.of(List.of(1, 1), List.of(1, 1))),
                        new Verdict(
                                1,
                                0,
                                0,
                                List.of(List.of(0, 0), List.of(0, 2)),
                                List.of(List.of("", ""), List.of("", "square"))),
                        new Verdict(
                                2,
                                3,
                                3,
                                List.of(List.of(1, 1), List.of(2, 2)),
                                List.of(List.of("", ""), List.of("ce", "ce")))));
        return Results.builder(verdicts)
                .optModel("deit_tiny_patch4_32", true, 5, 6L, 40)
                .optClasses(List.of("cat", "dog"))
                .optEnvironment(Engine.getInstance(), Device.cpu())
                .optWarnings(List.of("careful"))
                .optVerdicts("verdicts.csv")
                .optSeconds(1.5);
    }

    @Test
    void figuresFollowFromTheVerdicts() {
        Results results = builder().optStandardAutoAttack("aa").build();

        assertThat(results.clean()).isEqualTo(new Accuracy(2, 3));
        assertThat(results.robust())
                .containsExactly(
                        new Results.RobustAccuracy("fgsm", 4 / 255f, new Accuracy(1, 3)),
                        new Results.RobustAccuracy("fgsm", 8 / 255f, new Accuracy(1, 3)),
                        new Results.RobustAccuracy("aa", 4 / 255f, new Accuracy(1, 3)),
                        new Results.RobustAccuracy("aa", 8 / 255f, new Accuracy(0, 3)));
        assertThat(results.robustAfterMember())
                .containsExactly(
                        new Results.MemberAccuracy("aa", "ce", 4 / 255f, new Accuracy(1, 3)),
                        new Results.MemberAccuracy("aa", "square", 4 / 255f, new Accuracy(1, 3)),
                        new Results.MemberAccuracy("aa", "ce", 8 / 255f, new Accuracy(1, 3)),
                        new Results.MemberAccuracy("aa", "square", 8 / 255f, new Accuracy(0, 3)));
        assertThat(results.worstCase())
                .containsExactly(
                        new Results.WorstCase(4 / 255f, new Accuracy(1, 3)),
                        new Results.WorstCase(8 / 255f, new Accuracy(0, 3)));
        assertThat(results.perClass())
                .extracting(Results.ClassAccuracy::label, Results.ClassAccuracy::clean)
                .containsExactly(tuple(0, new Accuracy(1, 2)), tuple(3, new Accuracy(1, 1)));
        assertThat(results.dataset().images()).isEqualTo(3);
        assertThat(results.environment().djl()).isEqualTo(Engine.getDjlVersion());
        assertThat(results.environment().device()).isEqualTo("cpu()");
    }

    @Test
    void robustBenchGetsItsFieldsInItsFormats() {
        JsonObject entry = JsonParser.parseString(
                        builder().optStandardAutoAttack("aa").build().toJson())
                .getAsJsonObject()
                .getAsJsonObject("robustbench");

        // The keys of the files in RobustBench's model_info folder.
        assertThat(entry.keySet())
                .containsExactly(
                        "link",
                        "name",
                        "authors",
                        "additional_data",
                        "number_forward_passes",
                        "dataset",
                        "venue",
                        "architecture",
                        "eps",
                        "clean_acc",
                        "reported",
                        "autoattack_acc",
                        "footnote",
                        "unreliable");
        assertThat(entry.get("dataset").getAsString()).isEqualTo("cifar10");
        assertThat(entry.get("architecture").getAsString()).isEqualTo("deit_tiny_patch4_32");
        assertThat(entry.get("eps").getAsString()).isEqualTo("8/255");
        assertThat(entry.get("clean_acc").getAsString()).isEqualTo("66.67");
        assertThat(entry.get("autoattack_acc").getAsString()).isEqualTo("0.00");
        assertThat(entry.get("link").isJsonNull()).isTrue();
    }

    @Test
    void otherAttacksAreNotTakenForAutoAttack() {
        assertThat(builder().build().robustbench().autoattackAcc()).isNull();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().optStandardAutoAttack("autoattack").build())
                .withMessageContaining("the attacks are [fgsm, aa]");
    }

    @ParameterizedTest
    @CsvSource({
        "LINF, 0.03137255, 0, 1, 8/255",
        "LINF, 0.003921569, 0, 1, 1/255",
        "LINF, 0.3, 0, 1, 0.3",
        "LINF, 0.03137255, -1, 1, 0.03137255",
        "LINF, 0, 0, 1, 0.0",
        "L2, 0.5, 0, 1, 0.5",
        "L2, 0.5019608, 0, 1, 0.5019608"
    })
    void aRadiusIsWrittenAsRobustBenchDoes(
            Norm norm, float epsilon, float min, float max, String expected) {
        assertThat(new ThreatModel(norm, epsilon, min, max).epsilonText()).isEqualTo(expected);
    }

    @Test
    void theyComeBack() {
        Results results = builder().optStandardAutoAttack("aa").build();

        assertThat(Results.fromJson(results.toJson())).isEqualTo(results);
    }

    @Test
    void everyFieldIsDescribed() throws IOException {
        JsonElement json = JsonParser.parseString(
                builder().optStandardAutoAttack("aa").build().toJson());
        String schema = Files.readString(Path.of("..", "docs", "results-schema.md"));

        assertThat(schema).contains("schemaVersion` | " + Results.SCHEMA_VERSION);
        assertThat(names(json)).hasSizeGreaterThan(40);
        assertThat(names(json)).allSatisfy(name -> assertThat(schema).contains("`" + name + "`"));
    }

    private static Set<String> names(JsonElement json) {
        Set<String> names = new TreeSet<>();
        if (json.isJsonObject()) {
            json.getAsJsonObject().asMap().forEach((name, value) -> {
                names.add(name);
                names.addAll(names(value));
            });
        } else if (json.isJsonArray()) {
            json.getAsJsonArray().forEach(value -> names.addAll(names(value)));
        }
        return names;
    }
}
