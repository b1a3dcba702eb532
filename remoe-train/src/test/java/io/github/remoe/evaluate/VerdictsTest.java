package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.github.remoe.attack.Norm;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** On verdicts under attacks "a" and "b" at epsilons 0.1 and 0.2. */
class VerdictsTest {

    // Wrong as it is; robust; broken by a at 0.2; by b at 0.1; by both at 0.2.
    private static final List<Verdict> ALONE = List.of(
            verdict(0, 1, 2, 2, 2, 2, 2),
            verdict(1, 1, 1, 1, 1, 1, 1),
            verdict(2, 3, 3, 3, 0, 3, 3),
            verdict(3, 3, 3, 3, 3, 0, 0),
            verdict(7, 3, 3, 3, 0, 3, 1));
    // The same images when those after the first winner are left out.
    private static final List<Verdict> CASCADE = List.of(
            verdict(0, 1, 2, 2, 2, 2, 2),
            verdict(1, 1, 1, 1, 1, 1, 1),
            verdict(2, 3, 3, 3, 0, 3, -1),
            verdict(3, 3, 3, 3, -1, 0, 0),
            verdict(7, 3, 3, 3, 0, 3, -1));

    @TempDir
    private Path temp;

    private static Verdict verdict(
            long index, int label, int clean, int a1, int a2, int b1, int b2) {
        return new Verdict(index, label, clean, List.of(List.of(a1, a2), List.of(b1, b2)));
    }

    private static EvaluationSettings settings(boolean worstCase) {
        return new EvaluationSettings(
                "model",
                "data",
                "abc",
                Norm.LINF,
                0,
                1,
                List.of(0.1f, 0.2f),
                List.of(
                        new EvaluationSettings.NamedAttack("a", List.of("A[\u00e4, 1]", "A[2]")),
                        new EvaluationSettings.NamedAttack("b", List.of("B[1]", "B[2]"))),
                worstCase,
                5);
    }

    private static Verdicts alone() {
        return new Verdicts(settings(false), ALONE);
    }

    @Test
    void everyAttackIsMeasuredOnItsOwnAndTheWorstCaseComputed() {
        Verdicts verdicts = alone();

        assertThat(verdicts.clean()).isEqualTo(new Accuracy(4, 5));
        assertThat(verdicts.robust(0, 0)).isEqualTo(new Accuracy(4, 5));
        assertThat(verdicts.robust(0, 1)).isEqualTo(new Accuracy(2, 5));
        assertThat(verdicts.robust(1, 0)).isEqualTo(new Accuracy(3, 5));
        assertThat(verdicts.robust(1, 1)).isEqualTo(new Accuracy(2, 5));
        assertThat(verdicts.worstCase(0)).isEqualTo(new Accuracy(3, 5));
        assertThat(verdicts.worstCase(1)).isEqualTo(new Accuracy(1, 5));
    }

    @Test
    void inACascadeAnAccuracyIsTheOneAfterTheAttack() {
        Verdicts verdicts = new Verdicts(settings(true), CASCADE);

        assertThat(verdicts.clean()).isEqualTo(new Accuracy(4, 5));
        assertThat(verdicts.robust(0, 0)).isEqualTo(new Accuracy(4, 5));
        assertThat(verdicts.robust(1, 0)).isEqualTo(new Accuracy(3, 5));
        assertThat(verdicts.robust(0, 1)).isEqualTo(new Accuracy(1, 5));
        assertThat(verdicts.robust(1, 1)).isEqualTo(new Accuracy(1, 5));
        assertThat(verdicts.worstCase(0)).isEqualTo(new Accuracy(3, 5));
        assertThat(verdicts.worstCase(1)).isEqualTo(new Accuracy(1, 5));
    }

    @Test
    void classesAreDivided() {
        var classes = alone().byClass();

        assertThat(classes.keySet()).containsExactly(1, 3);
        assertThat(classes.get(1).clean()).isEqualTo(new Accuracy(1, 2));
        assertThat(classes.get(3).robust(0, 1)).isEqualTo(new Accuracy(1, 3));
        assertThat(classes.get(3).worstCase(1)).isEqualTo(new Accuracy(0, 3));
    }

    @Test
    void partsMergeIntoTheWholeEvenIfTheyOverlap() {
        Verdicts one = new Verdicts(settings(false), ALONE.subList(0, 3));
        Verdicts two = new Verdicts(settings(false), ALONE.subList(2, 5));

        assertThat(one.merge(two).all()).isEqualTo(ALONE);
        assertThat(two.merge(one).all()).isEqualTo(ALONE);
        assertThat(one.all()).hasSize(3);
    }

    @Test
    void partsOfDifferentEvaluationsAreNotMerged() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> alone().merge(new Verdicts(settings(true), CASCADE)))
                .withMessageContaining("worst case: false and true");
    }

    @Test
    void anImageWithTwoVerdictsIsNamed() {
        Verdicts other = new Verdicts(settings(false), List.of(verdict(7, 3, 3, 3, 3, 3, 1)));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> alone().merge(other))
                .withMessageContaining("Image 7 was judged differently");
    }

    @Test
    void predictionsMustFitTheSettings() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Verdicts(
                        settings(false), List.of(new Verdict(0, 1, 1, List.of(List.of(1, 1))))))
                .withMessageContaining("2 attacks and 2 epsilons");
    }

    @Test
    void aFileIsATableAndComesBack() throws IOException {
        Path file = temp.resolve("verdicts.csv");
        Verdicts verdicts = new Verdicts(settings(true), CASCADE);

        verdicts.save(file);

        List<String> lines = Files.readAllLines(file);
        assertThat(lines.subList(1, 7))
                .containsExactly(
                        "index,label,clean,a@0.1,a@0.2,b@0.1,b@0.2",
                        "0,1,2,2,2,2,2",
                        "1,1,1,1,1,1,1",
                        "2,3,3,3,0,3,",
                        "3,3,3,3,,0,0",
                        "7,3,3,3,0,3,");
        assertThat(lines.get(0)).startsWith("# ");
        assertThat(lines.get(7)).startsWith("# sha256 ");
        Verdicts loaded = Verdicts.load(file);
        assertThat(loaded.settings()).isEqualTo(verdicts.settings());
        assertThat(loaded.all()).isEqualTo(verdicts.all());
        try (Stream<Path> files = Files.list(temp)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aFileThatIsCutOffAnywhereIsRefused() throws IOException {
        Path file = temp.resolve("verdicts.csv");
        alone().save(file);
        byte[] whole = Files.readAllBytes(file);

        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatExceptionOfType(IOException.class)
                    .as("%d bytes", length)
                    .isThrownBy(() -> Verdicts.load(file))
                    .withMessageContaining(file.toString())
                    .withMessageContaining("elete it");
        }
    }

    @Test
    void aFileWithOneWrongBitIsRefused() throws IOException {
        Path file = temp.resolve("verdicts.csv");
        alone().save(file);
        byte[] whole = Files.readAllBytes(file);

        for (int bit = 0; bit < 8 * whole.length; bit += 5) {
            byte[] garbled = whole.clone();
            garbled[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file, garbled);
            assertThatExceptionOfType(IOException.class)
                    .as("bit %d", bit)
                    .isThrownBy(() -> Verdicts.load(file));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"index,label\n0,1\n", "{}", "\u0000"})
    void aFileOfAnotherKindIsRefused(String text) throws IOException {
        Path file = temp.resolve("verdicts.csv");
        Files.write(file, text.getBytes(StandardCharsets.UTF_8));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Verdicts.load(file))
                .withMessageContaining("is no file of verdicts");
    }

    @Test
    void aMissingFileIsNamed() {
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> Verdicts.load(temp.resolve("nothing")))
                .withMessageContaining("nothing");
    }

    @Test
    void noImagesHaveNoAccuracy() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Verdicts(settings(false), List.of()).clean())
                .withMessageContaining("no images");
    }

    @Test
    void settingsAreChecked() {
        var attack = new EvaluationSettings.NamedAttack("a", List.of("A"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(List.of(0.1f), List.of(attack, attack)))
                .withMessageContaining("Two attacks are called 'a'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(List.of(), List.of()))
                .withMessageContaining("at least one epsilon");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(List.of(0.2f, 0.1f), List.of()))
                .withMessageContaining("ascend, got [0.2, 0.1]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(List.of(0.1f, 0.1f), List.of()))
                .withMessageContaining("ascend");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> settings(List.of(0.1f, 0.2f), List.of(attack)))
                .withMessageContaining("1 epsilons, expected 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EvaluationSettings.NamedAttack("a,b", List.of()))
                .withMessageContaining("'a,b'");
        assertThatNullPointerException()
                .isThrownBy(() -> settings(null, List.of()))
                .withMessageContaining("epsilons are missing");
    }

    private static EvaluationSettings settings(
            List<Float> epsilons, List<EvaluationSettings.NamedAttack> attacks) {
        return new EvaluationSettings("m", "d", "c", Norm.L2, 0, 1, epsilons, attacks, false, 0);
    }
}
