package io.github.remoe.moe;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Map;

/** The optional parameter {@link ReMoEBlock#DENSE} of a forward pass. */
class DenseRoutingTest {

    private static VisionTransformer network(NDManager manager, int topK) {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .build();
        ReMoE.builder().optLayers(1).optTopK(topK).build().insertInto(vit);
        vit.getParameters().forEach(p -> {
            if (p.getValue().getType() != Parameter.Type.GAMMA) {
                p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.3, 0.3));
            }
        });
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    private static float[] logits(
            VisionTransformer vit, NDManager manager, PairList<String, Object> params) {
        NDArray images = Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(2, 3, 8, 8), DataType.FLOAT32);
        ParameterStore store = new ParameterStore(manager, false);
        return vit.forward(store, new NDList(images), false, params).head().toFloatArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void allExpertsOfAWholeNetworkAreOn(int topK) {
        try (NDManager manager = NDManager.newBaseManager()) {
            float[] dense = logits(network(manager, 4), manager, null);
            VisionTransformer sparse = network(manager, topK);

            assertThat(logits(sparse, manager, null)).isNotEqualTo(dense);
            assertThat(logits(sparse, manager, new PairList<>(Map.of(ReMoEBlock.DENSE, true))))
                    .isEqualTo(dense);
        }
    }

    @Test
    void falseIsAsIfItWereNotThere() {
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer sparse = network(manager, 2);

            assertThat(logits(sparse, manager, new PairList<>(Map.of(ReMoEBlock.DENSE, false))))
                    .isEqualTo(logits(sparse, manager, null));
        }
    }
}
