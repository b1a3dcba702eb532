package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Map;

class CrossEntropyTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void eachImageHasItsOwnLoss() {
        // softmax(0, ln 3) is (1/4, 3/4).
        double ln3 = Math.log(3);
        NDArray logits = Tensors.array(manager, new Shape(2, 2), 0, ln3, 0, ln3);

        NDArray losses = CrossEntropy.perImage(logits, manager.create(new long[] {0, 1}));

        assertThat(losses.getShape()).isEqualTo(new Shape(2));
        assertThat(Tensors.doubles(losses))
                .containsExactly(new double[] {Math.log(4), Math.log(4 / 3.0)}, within(1e-6));
    }

    @Test
    void theLossIsTheMeanAndLeavesAsideWhatFollowsTheLogits() {
        double ln3 = Math.log(3);
        NDArray logits = Tensors.array(manager, new Shape(2, 2), 0, ln3, 0, ln3);
        NDArray labels = manager.create(new long[] {0, 1});

        NDArray loss = new CrossEntropyLoss(CrossEntropyLoss.CLEAN)
                .evaluate(new NDList(labels), new NDList(logits, manager.ones(new Shape(2, 4))));

        // (ln 4 + ln 4/3) / 2
        assertThat((double) loss.getFloat()).isCloseTo(0.836988, within(1e-6));
    }

    @Test
    void softLabelsWeighTheClasses() {
        double ln3 = Math.log(3);
        NDArray logits = Tensors.array(manager, new Shape(2, 2), 0, ln3, 0, ln3);
        NDArray soft = Tensors.array(manager, new Shape(2, 2), 1, 0, 0.25, 0.75);

        // ln 4, and ln 4 / 4 + 3 ln(4/3) / 4.
        assertThat(Tensors.doubles(CrossEntropy.perImage(logits, soft)))
                .containsExactly(new double[] {1.386294, 0.562335}, within(1e-6));
    }

    @Test
    void theLossIsItsOnlyPart() {
        NDArray logits = Tensors.array(manager, new Shape(1, 2), 0, 0);
        NDList labels = new NDList(manager.create(new long[] {1}));

        Map<String, NDArray> parts = new CrossEntropyLoss(CrossEntropyLoss.ADVERSARIAL)
                .parts(labels, new NDList(logits));

        assertThat(parts).containsOnlyKeys("adversarialCrossEntropy");
        assertThat(Tensors.doubles(parts.get("adversarialCrossEntropy"))[0])
                .isCloseTo(Math.log(2), within(1e-6));
    }

    @Test
    void hugeLogitsStayFinite() {
        NDArray logits = Tensors.array(manager, new Shape(1, 2), 1e4, -1e4);

        NDArray losses = CrossEntropy.perImage(logits, manager.create(new long[] {1}));

        assertThat(Tensors.doubles(losses)).containsExactly(2e4);
    }

    @Test
    void labelsMayBeOfAnyNumberType() {
        NDArray logits = Tensors.array(manager, new Shape(2, 2), 1, 2, 3, 4);
        NDArray labels = manager.create(new long[] {0, 1});
        double[] losses = Tensors.doubles(CrossEntropy.perImage(logits, labels));

        for (DataType type : new DataType[] {DataType.FLOAT32, DataType.INT32, DataType.UINT8}) {
            NDArray sameLabels = labels.toType(type, false);
            assertThat(Tensors.doubles(CrossEntropy.perImage(logits, sameLabels)))
                    .isEqualTo(losses);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 3, 100})
    void aLabelWithoutAClassIsNamed(long label) {
        NDArray logits = manager.zeros(new Shape(2, 3));
        NDArray labels = manager.create(new long[] {2, label});

        assertThatIllegalArgumentException()
                .isThrownBy(() -> CrossEntropy.perImage(logits, labels))
                .withMessageContaining("Label " + label)
                .withMessageContaining("0 to 2");
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        NDArray logits = manager.zeros(new Shape(2, 3));
        NDArray threeLabels = manager.create(new long[] {0, 1, 2});
        NDArray column = manager.create(new long[] {0, 1}, new Shape(2, 1));
        NDArray flat = manager.zeros(new Shape(2));
        NDArray twoLabels = manager.create(new long[] {0, 0});

        assertThatIllegalArgumentException()
                .isThrownBy(() -> CrossEntropy.perImage(logits, threeLabels))
                .withMessageContaining("(2, 3) and (3)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CrossEntropy.perImage(logits, column));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CrossEntropy.perImage(flat, twoLabels));
    }
}
