package io.github.remoe.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.function.UnaryOperator;

class ConstantsTest {

    @Test
    void aScalarSurvivesUntilTheBackwardPass() {
        assertThat(gradient(x -> {
                    try (NDArray three = Constants.scalar(x, 3)) {
                        return x.mul(three);
                    }
                }))
                .containsOnly(3);
    }

    @Test
    void valuesSurviveUntilTheBackwardPass() {
        assertThat(gradient(x -> {
                    try (NDArray halves =
                            Constants.of(x.getManager(), new float[] {0.5f, 0.5f}, new Shape(2))) {
                        return x.div(halves);
                    }
                }))
                .containsOnly(2);
    }

    @Test
    void aScalarHasTheTypeOfItsArray() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray array = manager.ones(new Shape(2), DataType.FLOAT64);
            assertThat(array.mul(Constants.scalar(array, 0.5)).getDataType())
                    .isEqualTo(DataType.FLOAT64);
        }
    }

    /** d sum(f(x)) / dx, with garbage collected and memory reused between the two passes. */
    private static float[] gradient(UnaryOperator<NDArray> f) {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray x = manager.ones(new Shape(2));
            x.setRequiresGradient(true);
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDArray y = f.apply(x).sum();
                for (int i = 0; i < 20; i++) {
                    System.gc();
                    for (int j = 0; j < 100; j++) {
                        ByteBuffer.allocateDirect(8).putLong(0, -1);
                    }
                }
                collector.backward(y);
            }
            return x.getGradient().toFloatArray();
        }
    }
}
