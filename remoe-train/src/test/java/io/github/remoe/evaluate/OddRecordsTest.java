package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files of an evaluation or a check, each with one thing wrong. */
class OddRecordsTest {

    @TempDir
    private Path folder;

    private static Results results() {
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
                                "aa", List.of("Aa[1]", "Aa[2]"), List.of("ce"))),
                false,
                7);
        Verdicts verdicts = new Verdicts(
                settings,
                List.of(
                        new Verdict(0, 0, 1, List.of(List.of(1, 1), List.of(1, 1))),
                        new Verdict(
                                2,
                                1,
                                1,
                                List.of(List.of(1, 1), List.of(0, 0)),
                                List.of(List.of("", ""), List.of("ce", "ce")))));
        return Results.builder(verdicts).optClasses(List.of("cat", "dog")).build();
    }

    private static MaskingReport masking() {
        return new MaskingReport(
                ThreatModel.linf(8 / 255f),
                new Accuracy(160, 200),
                List.of(new MaskingReport.Steps(1, 1.2, new Accuracy(120, 200))),
                List.of(new MaskingReport.Epsilon(1, new Accuracy(0, 200))),
                List.of(new MaskingReport.Check(
                        "noise", MaskingReport.Outcome.PASS, 0, 0, 0.01, "none broken")),
                List.of("transfer"));
    }

    /** Puts a value in the place that a path of names and positions leads to; none removes it. */
    private static String change(String json, String path, String value) {
        JsonElement whole = JsonParser.parseString(json);
        String[] steps = path.split("/");
        JsonElement place = whole;
        for (int i = 0; i < steps.length - 1; i++) {
            place = place.isJsonArray()
                    ? place.getAsJsonArray().get(Integer.parseInt(steps[i]))
                    : place.getAsJsonObject().get(steps[i]);
        }
        String last = steps[steps.length - 1];
        if (place instanceof JsonArray array) {
            if (value == null) {
                array.remove(Integer.parseInt(last));
            } else {
                array.set(Integer.parseInt(last), JsonParser.parseString(value));
            }
        } else {
            JsonObject object = place.getAsJsonObject();
            assertThat(object.has(last)).as(path).isTrue();
            object.remove(last);
            if (value != null) {
                object.add(last, JsonParser.parseString(value));
            }
        }
        return whole.toString();
    }

    @Test
    void nothingIsWrongWithTheFilesThatAreChanged() throws IOException {
        assertThat(Results.fromJson(results().toJson())).isEqualTo(results());
        Path file = Files.writeString(folder.resolve("masking.json"), masking().toJson());
        assertThat(MaskingReport.load(file)).isEqualTo(masking());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "robust | | no robust",
                "robust | null | no robust",
                "robust | [] | robust has 0 accuracies, expected 4",
                "robust/3 | | robust has 3 accuracies, expected 4",
                "robust/1 | null | robust has null in it",
                "robust/1/accuracy | null | no robust.accuracy",
                "robust/1/attack | \"pgd\" | robust has pgd at 0.03137255 where fgsm",
                "robust/1/epsilon | 0.5 | robust has fgsm at 0.5 where fgsm at 0.03137255",
                "robust | {} | no JSON of results",
                "robustAfterMember | null | no robustAfterMember",
                "robustAfterMember/0/member | | no robustAfterMember.member",
                "robustAfterMember/0/accuracy | | no robustAfterMember.accuracy",
                "robustbench | null | no robustbench",
                "model | null | no model",
                "model/checksum | | no model.checksum",
                "dataset | null | no dataset",
                "dataset/classes | null | no dataset.classes",
                "dataset/classes/0 | null | dataset.classes has null in it",
                "dataset/images | 3 | clean is about 2 images, dataset.images says 3",
                "threatModel | null | no threatModel",
                "threatModel/norm | \"l1\" | threatModel.norm is 'l1', expected one of [linf, l2]",
                "threatModel/norm | null | threatModel.norm is 'null'",
                "threatModel/epsilons | [] | threatModel.epsilons is empty",
                "threatModel/epsilons | null | no threatModel.epsilons",
                "threatModel/epsilons/0 | null | threatModel.epsilons has null in it",
                "threatModel/epsilons/0 | 0.9 | expected them to ascend",
                "threatModel/epsilons/0 | -1 | epsilon must be a finite number of 0 or more",
                "threatModel/pixelMax | 0 | pixel range goes from a smaller to a larger",
                "attacks | null | no attacks",
                "attacks/0 | null | attacks has null in it",
                "attacks/0/name | \"../a\" | name of an attack has letters",
                "attacks/0/settings | [\"Fgsm[1]\"] | attack fgsm has settings for 1 epsilons, expected 2",
                "clean | null | no clean",
                "clean/total | 0 | share of at least 1 image, got 1 of 0",
                "clean/value | | clean says 1 of 2, but the share 0.0",
                "clean/upper | 0.1 | clean says 1 of 2, but the share 0.5",
                "worstCase | null | no worstCase",
                "worstCase | [] | worstCase is for the epsilons []",
                "perClass | null | no perClass",
                "perClass/0/label | -1 | label -1",
                "perClass/0/robust/0 | | perClass 0.robust has 3 accuracies",
                "perClass/0/worstCase | null | no perClass 0.worstCase",
                "warnings | null | no warnings",
                "timing | null | no timing",
                "seed | \"x\" | no JSON of results",
            })
    void resultsAreRefusedWithTheReason(String path, String value, String reason) {
        String odd = change(results().toJson(), path, value);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Results.fromJson(odd))
                .withMessageContaining(reason)
                .withMessageEndingWith("; evaluate again");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "threatModel | | threatModel is missing",
                "threatModel/norm | \"L1\" | threatModel.norm is missing",
                "threatModel/epsilon | 7 | epsilon is in pixel values",
                "clean | | clean is missing",
                "clean/correct | 900 | got 900 of 200",
                "steps | | steps is missing",
                "steps | [] | one at least",
                "steps/0 | null | steps has null in it",
                "steps/0/steps | | steps must be at least 1, got 0",
                "steps/0/accuracy | | accuracy after 1 steps is missing",
                "epsilons | | epsilons is missing",
                "epsilons | [] | one at least",
                "epsilons/0/epsilon | | epsilon must be greater than 0",
                "epsilons/0/accuracy | | accuracy at epsilon 1.0 is missing",
                "checks | | checks is missing",
                "checks/0/name | | the name of a check is missing",
                "checks/0/outcome | | outcome (PASS, FAIL or INCONCLUSIVE) of the check noise",
                "checks/0/outcome | \"GOOD\" | outcome (PASS, FAIL or INCONCLUSIVE) of the check noise",
                "checks/0/finding | | the finding of the check noise is missing",
                "notChecked | | notChecked is missing",
                "notChecked/0 | null | notChecked has null in it",
                "notChecked | 3 | cut off or no JSON"
            })
    void aCheckForMaskingIsRefusedWithTheReason(String path, String value, String reason)
            throws IOException {
        Path file = folder.resolve("masking.json");
        Files.writeString(file, change(masking().toJson(), path, value));

        assertThatIOException()
                .isThrownBy(() -> MaskingReport.load(file))
                .withMessageStartingWith(file + " is no report of a check for gradient masking")
                .withMessageContaining(reason)
                .withMessageEndingWith("Check again.");
    }

    @Test
    void bytesAreNoReportOfACheck() throws IOException {
        Path file = Files.write(folder.resolve("masking.json"), new byte[] {(byte) 0xff, 0, 1});

        assertThatIOException()
                .isThrownBy(() -> MaskingReport.load(file))
                .withMessageContaining(file + " is no report")
                .withMessageContaining("no text in UTF-8");
    }
}
