package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.attack.Norm;

import org.junit.jupiter.api.Test;

import java.util.List;

/** On verdicts under attacks "a" and "b" at epsilons 0.1 and 0.2. */
class VerdictTest {

    private static Verdict verdict(int label, int clean, int a1, int a2, int b1, int b2) {
        return new Verdict(0, label, clean, List.of(List.of(a1, a2), List.of(b1, b2)));
    }

    private static void assertWorst(Verdict verdict, int atFirst, int atSecond) {
        assertThat(verdict.worstPrediction(0)).isEqualTo(atFirst);
        assertThat(verdict.worstPrediction(1)).isEqualTo(atSecond);
    }

    @Test
    void anImageThatNothingBreaksHasItsCleanPrediction() {
        assertWorst(verdict(3, 3, 3, 3, 3, 3), 3, 3);
    }

    @Test
    void anImageThatIsWrongAsItIsHasItsCleanPrediction() {
        assertWorst(verdict(1, 2, 2, 2, 2, 2), 2, 2);
        // Even if attacks were not made on it.
        assertWorst(verdict(1, 2, -1, -1, -1, -1), 2, 2);
    }

    @Test
    void theFirstAttackThatBreaksItCounts() {
        assertWorst(verdict(3, 3, 3, 0, 3, 1), 3, 0);
        assertWorst(verdict(3, 3, 4, 4, 5, 5), 4, 4);
    }

    @Test
    void aSmallerEpsilonComesBeforeAnEarlierAttack() {
        assertWorst(verdict(3, 3, 3, 0, 1, 1), 1, 1);
    }

    @Test
    void anAttackThatWasNotMadeBreaksNothing() {
        assertWorst(verdict(3, 3, -1, -1, 3, 0), 3, 0);
        assertWorst(verdict(3, 3, 3, -1, 0, 0), 0, 0);
    }

    @Test
    void withoutAttacksItIsTheCleanPrediction() {
        assertThat(new Verdict(0, 3, 4, List.of()).worstPrediction(0)).isEqualTo(4);
    }

    private static Verdicts verdicts(boolean worstCase, Verdict verdict) {
        return new Verdicts(
                new EvaluationSettings(
                        "model",
                        "data",
                        "abc",
                        Norm.LINF,
                        0,
                        1,
                        List.of(0.1f, 0.2f),
                        List.of(
                                new EvaluationSettings.NamedAttack("a", List.of("A", "A")),
                                new EvaluationSettings.NamedAttack("b", List.of("B", "B"))),
                        worstCase,
                        5),
                List.of(verdict));
    }

    /** By attack and then by epsilon. */
    private static List<Boolean> broken(boolean worstCase, Verdict verdict) {
        Verdicts verdicts = verdicts(worstCase, verdict);
        return List.of(
                verdicts.isBroken(verdict, 0, 0),
                verdicts.isBroken(verdict, 0, 1),
                verdicts.isBroken(verdict, 1, 0),
                verdicts.isBroken(verdict, 1, 1));
    }

    @Test
    void whereEachAttackIsMeasuredOnlyItsOwnPredictionCounts() {
        assertThat(broken(false, verdict(3, 3, 3, 0, 3, 3)))
                .containsExactly(false, true, false, false);
        assertThat(broken(false, verdict(3, 3, 3, 3, 0, 0)))
                .containsExactly(false, false, true, true);
        assertThat(broken(false, verdict(1, 2, 2, 2, 2, 2)))
                .containsExactly(true, true, true, true);
    }

    @Test
    void whereOnlyTheWorstCaseIsMeasuredThoseBeforeCountToo() {
        // By a at 0.2: the attacks at 0.1 do not count it, b does after a.
        assertThat(broken(true, verdict(3, 3, 3, 0, 3, -1)))
                .containsExactly(false, true, false, true);
        // By b at 0.1: a comes before it there, and after it at 0.2.
        assertThat(broken(true, verdict(3, 3, 3, -1, 0, 0)))
                .containsExactly(false, true, true, true);
        // By a at 0.1.
        assertThat(broken(true, verdict(3, 3, 0, 0, -1, -1)))
                .containsExactly(true, true, true, true);
        assertThat(broken(true, verdict(3, 3, 3, 3, 3, 3)))
                .containsExactly(false, false, false, false);
        assertThat(broken(true, verdict(1, 2, 2, 2, 2, 2))).containsExactly(true, true, true, true);
    }
}
