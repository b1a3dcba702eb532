package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.util.Pair;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** What every attack owes the model that it attacks, whatever its algorithm. */
class ModelsStayAsTheyWereTest {

    private NDManager manager;
    private NDManager parameters;
    private NDArray images;
    private Block golden;
    // The classes that the network sees: attacks have nothing to do where it is wrong already.
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        parameters = NDManager.newBaseManager();
        images = Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(4, 3, 8, 8), DataType.FLOAT32);
        golden = TinyNetworks.golden(parameters, DataType.FLOAT32);
        labels = Tensors.forward(golden, images).head().argMax(1);
    }

    @AfterEach
    void close() {
        manager.close();
        parameters.close();
    }

    static List<Attack> attacks() {
        ThreatModel linf = ThreatModel.linf(8 / 255f);
        ThreatModel l2 = ThreatModel.l2(0.5f);
        return List.of(
                new Fgsm(linf),
                Pgd.builder(linf).optSteps(3).build(),
                Pgd.builder(l2).optSteps(3).optLoss(LogitLoss.KL).build(),
                Bim.builder(linf).optSteps(3).build(),
                MiFgsm.builder(linf).optSteps(3).build(),
                RFgsm.builder(linf).optSteps(3).build(),
                DeepFool.builder(l2).optSteps(3).build(),
                Fab.builder(linf).optSteps(3).build(),
                Fab.builder(l2).optTargeted(true).optSteps(3).build(),
                Apgd.builder(linf).optSteps(5).build(),
                Apgd.builder(l2)
                        .optLoss(LogitLoss.DLR)
                        .optTargetClasses(2)
                        .optSteps(5)
                        .build());
    }

    /** Everything about a parameter that an attack could change. */
    private record State(byte[] values, byte[] gradient, boolean requiresGradient) {

        static Map<String, State> of(Block block) {
            Map<String, State> states = new TreeMap<>();
            for (Pair<String, Parameter> entry : block.getParameters()) {
                NDArray array = entry.getValue().getArray();
                byte[] gradient =
                        array.hasGradient() ? array.getGradient().toByteArray() : new byte[0];
                states.put(
                        entry.getKey(),
                        new State(array.toByteArray(), gradient, array.hasGradient()));
            }
            return states;
        }
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void parametersGradientsAndFlagsStay(Attack attack) {
        // BatchNorm's running statistics change in training mode.
        Block norm = BatchNorm.builder().build();
        Block block = new SequentialBlock().add(norm).add(golden);
        norm.initialize(parameters, DataType.FLOAT32, images.getShape());
        // A training step is under way, and one layer is frozen.
        Tensors.backward(() -> Tensors.forward(block, images).head().square().sum());
        block.getParameters().get("02SequentialBlock_04Linear_bias").freeze(true);
        Map<String, State> before = State.of(block);
        assertThat(before.values()).anyMatch(state -> state.requiresGradient);
        assertThat(before.values()).anyMatch(state -> !state.requiresGradient);
        int heldByParameters = parameters.getManagedArrays().size();

        try (TargetModel model = new TargetModel(block, parameters)) {
            attack.perturb(model, images, labels, 1);
        }

        assertThat(parameters.getManagedArrays()).hasSize(heldByParameters);
        assertThat(State.of(block)).usingRecursiveComparison().isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void logitsThatAreNotFiniteAreRefused(Attack attack) {
        refuses(attack, x -> x.div(x.sub(x)), "logits");
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void gradientsThatAreNotFiniteAreRefused(Attack attack) {
        // The root of 0 is 0, and its slope a division by it.
        refuses(attack, x -> x.add(x.sub(x).sqrt()), "gradients");
    }

    private void refuses(Attack attack, UnaryOperator<NDArray> layer, String what) {
        Block block = new SequentialBlock().addSingleton(layer).add(golden);
        try (TargetModel model = new TargetModel(block, parameters)) {
            assertThatExceptionOfType(ArithmeticException.class)
                    .isThrownBy(() -> attack.perturb(model, images, labels, 1))
                    .withMessageContaining(what)
                    .withMessageContaining("division by zero");
        }
    }
}
