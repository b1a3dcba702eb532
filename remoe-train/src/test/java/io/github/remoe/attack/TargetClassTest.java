package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.stream.LongStream;

class TargetClassTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private long[] choose(TargetClass target, float[] row, long... labels) {
        float[] rows = new float[row.length * labels.length];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row[i % row.length];
        }
        NDArray logits = manager.create(rows, new Shape(labels.length, row.length));
        NDArray chosen = target.choose(
                logits,
                manager.create(labels),
                LongStream.range(0, labels.length).toArray());
        assertThat(chosen.getDataType()).isEqualTo(DataType.INT64);
        return chosen.toLongArray();
    }

    @Test
    void theLeastAndTheMostLikelyAreAmongTheOthers() {
        float[] logits = {2, -1, 5, 0};

        assertThat(choose(OtherClass.MOST_LIKELY, logits, 0, 1, 2, 3)).containsExactly(2, 2, 0, 2);
        assertThat(choose(OtherClass.LEAST_LIKELY, logits, 0, 1, 2, 3)).containsExactly(1, 3, 1, 1);
    }

    @Test
    void amongEqualLogitsTheFirstIsChosen() {
        float[] logits = {1, 1, 1};

        assertThat(choose(OtherClass.MOST_LIKELY, logits, 0, 1)).containsExactly(1, 0);
        assertThat(choose(OtherClass.LEAST_LIKELY, logits, 0, 1)).containsExactly(1, 0);
    }

    @Test
    void randomTargetsAreTheOtherClassesEachAsOften() {
        int count = 3000;
        long[] labels = LongStream.range(0, count).map(i -> i % 4).toArray();
        long[] chosen = choose(OtherClass.RANDOM, new float[4], labels);

        int[][] times = new int[4][4];
        for (int i = 0; i < count; i++) {
            times[(int) labels[i]][(int) chosen[i]]++;
        }
        for (int label = 0; label < 4; label++) {
            assertThat(times[label][label]).isZero();
            for (int other = 0; other < 4; other++) {
                if (other != label) {
                    // 250 of 750 with a standard deviation of 13.
                    assertThat(times[label][other]).isBetween(185, 315);
                }
            }
        }
    }

    @Test
    void aRandomTargetIsItsSeeds() {
        NDArray logits = manager.zeros(new Shape(3, 9));
        NDArray labels = manager.zeros(new Shape(3), DataType.INT64);
        long[] seeds = {8, 9, 10};
        long[] together = OtherClass.RANDOM.choose(logits, labels, seeds).toLongArray();

        for (int i = 0; i < 3; i++) {
            assertThat(OtherClass.RANDOM
                            .choose(logits.get("0:1"), labels.get("0:1"), new long[] {seeds[i]})
                            .toLongArray())
                    .containsExactly(together[i]);
        }
    }

    @Test
    void twoClassesLeaveOneOther() {
        for (OtherClass other : OtherClass.values()) {
            assertThat(choose(other, new float[] {1, 2}, 0, 1)).containsExactly(1, 0);
        }
    }

    @Test
    void oneClassHasNoOther() {
        for (OtherClass other : OtherClass.values()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> choose(other, new float[] {1}, 0))
                    .withMessageContaining("one class");
        }
    }

    @Test
    void aFixedClassIsTheSameForAll() {
        assertThat(choose(new FixedClass(2), new float[4], 0, 1, 3)).containsExactly(2, 2, 2);
    }

    @Test
    void aFixedClassIsNoTrueClass() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> choose(new FixedClass(1), new float[4], 0, 2, 1))
                .withMessageContaining("target class 1 is the true class of image 2")
                .withMessageContaining("Leave out");
    }

    @Test
    void classesAreThoseOfTheModel() {
        for (int wrong : new int[] {-1, 4}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> choose(new FixedClass(wrong), new float[4], 0))
                    .withMessageContaining("target class " + wrong)
                    .withMessageContaining("0 to 3");
            for (TargetClass target : Arrays.asList(OtherClass.RANDOM, new FixedClass(0))) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> choose(target, new float[4], wrong))
                        .withMessageContaining("Label " + wrong);
            }
        }
    }

    @Test
    void toStringTellsTheSettings() {
        assertThat(OtherClass.LEAST_LIKELY).hasToString("least-likely");
        assertThat(new FixedClass(3)).hasToString("FixedClass[index=3]");
    }
}
