package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.GradientCollector;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Several threads attack at once, and get what one thread gets. */
class ConcurrentAttacksTest {

    private static final int ROUNDS = 5;

    private final ExecutorService threads = Executors.newFixedThreadPool(2);
    private NDManager parameters;

    @BeforeEach
    void open() {
        parameters = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        parameters.close();
    }

    /** The adversarial images and logits of several rounds, on images of this thread's own. */
    private static List<byte[]> attack(TargetModel model) {
        Attack pgd = Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(4).build();
        List<byte[]> results = new ArrayList<>();
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray labels = manager.create(new long[] {0, 3, 1, 4});
            for (int round = 0; round < ROUNDS; round++) {
                NDArray images = Golden.initializer("image" + round, 0, 1)
                        .initialize(manager, new Shape(4, 3, 8, 8), DataType.FLOAT32);
                NDArray adversarial = pgd.perturb(model, images, labels, round);
                results.add(adversarial.toByteArray());
                results.add(model.predict(adversarial).head().toByteArray());
            }
        }
        return results;
    }

    private void attackAtOnce(TargetModel first, TargetModel second) throws Exception {
        List<byte[]> ofFirst = attack(first);
        List<byte[]> ofSecond = attack(second);
        CyclicBarrier start = new CyclicBarrier(2);
        List<Callable<List<byte[]>>> attacks = List.of(
                () -> {
                    start.await();
                    return attack(first);
                },
                () -> {
                    start.await();
                    return attack(second);
                });

        List<Future<List<byte[]>>> atOnce = threads.invokeAll(attacks);

        assertThat(atOnce.get(0).get()).usingRecursiveComparison().isEqualTo(ofFirst);
        assertThat(atOnce.get(1).get()).usingRecursiveComparison().isEqualTo(ofSecond);
    }

    @Test
    void twoThreadsAttackTwoModels() throws Exception {
        Block golden = TinyNetworks.golden(parameters, DataType.FLOAT32);
        Block vit = TinyNetworks.reMoEVit(parameters);
        try (TargetModel first = new TargetModel(golden, parameters);
                TargetModel second = new TargetModel(vit, parameters)) {
            attackAtOnce(first, second);
        }
    }

    @Test
    void twoThreadsAttackOneModel() throws Exception {
        Block vit = TinyNetworks.reMoEVit(parameters);
        try (TargetModel model = new TargetModel(vit, parameters)) {
            attackAtOnce(model, model);
        }
    }

    @Test
    void predictionsDoNotWaitForGradients() throws Exception {
        Block golden = TinyNetworks.golden(parameters, DataType.FLOAT32);
        try (TargetModel model = new TargetModel(golden, parameters);
                NDManager manager = NDManager.newBaseManager()) {
            NDArray images = manager.ones(new Shape(4, 3, 8, 8));
            byte[] alone = model.predict(images).head().toByteArray();
            Future<byte[]> meanwhile;
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                meanwhile = threads.submit(() -> model.predict(images).head().toByteArray());
                assertThat(meanwhile.get()).isEqualTo(alone);
            }
        }
    }

    @Test
    void predictionsRecordNoGradients() throws Exception {
        Block golden = TinyNetworks.golden(parameters, DataType.FLOAT32);
        try (TargetModel model = new TargetModel(golden, parameters);
                NDManager manager = NDManager.newBaseManager()) {
            NDArray images = manager.ones(new Shape(4, 3, 8, 8));
            images.setRequiresGradient(true);
            // Gradient mode is a thread's own in PyTorch: DJL switches it off in the thread that
            // loads the engine, and in a new one it is on.
            threads.submit(() -> {
                        NDArray logits = model.predict(images).head();
                        assertThatThrownBy(() -> Tensors.backward(logits::sum))
                                .isInstanceOf(EngineException.class)
                                .hasMessageContaining("does not require grad");
                        // As it does for the network itself.
                        Tensors.backward(
                                () -> Tensors.forward(golden, images).head().sum());
                        assertThat(images.getGradient().abs().sum().getFloat()).isPositive();
                    })
                    .get();
        }
    }
}
