package io.github.remoe.vit;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;
import static io.github.remoe.Tensors.start;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.Test;

class PatchEmbeddingTest {

    @Test
    void patchesBecomeTokensInRowMajorOrder() {
        try (NDManager manager = NDManager.newBaseManager()) {
            // Width 2: the first number of a token adds up the red pixels of its patch, the second
            // picks the top right blue pixel and adds 1000.
            PatchEmbedding embedding = new PatchEmbedding(2, 2);
            start(
                    embedding.getParameters().get("01proj_weight"),
                    1,
                    1,
                    1,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    1,
                    0,
                    0);
            start(embedding.getParameters().get("01proj_bias"), 0, 1000);
            NDArray image = manager.arange(48f).reshape(1, 3, 4, 4);
            embedding.initialize(manager, DataType.FLOAT32, image.getShape());

            NDArray tokens = forward(embedding, image).head();

            // Red is 0 to 15 in rows of 4; blue is 32 to 47.
            assertThat(tokens.getShape()).isEqualTo(new Shape(1, 4, 2));
            assertThat(doubles(tokens))
                    .containsExactly(
                            0 + 1 + 4 + 5, 1033,
                            2 + 3 + 6 + 7, 1035,
                            8 + 9 + 12 + 13, 1041,
                            10 + 11 + 14 + 15, 1043);
            assertThat(embedding.getOutputShapes(new Shape[] {new Shape(5, 3, 4, 6)}))
                    .containsExactly(new Shape(5, 6, 2));
        }
    }
}
