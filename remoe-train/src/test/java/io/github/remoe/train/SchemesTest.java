package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.Batchifier;

import io.github.remoe.Tensors;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.RegionLosses;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Function;

/** What holds for every adversarial scheme. */
class SchemesTest {

    private static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);

    enum Scheme {
        SAT(regions -> new Sat(Sat.attack(THREAT, 2 / 255f, 2), regions)),
        TRADES(regions -> new Trades(Trades.attack(THREAT, 2 / 255f, 2), 6, regions)),
        MART(regions -> new Mart(Mart.attack(THREAT, 2 / 255f, 2), 5, regions)),
        FAST_AT(regions -> new FastAt(FastAt.attack(THREAT, 10 / 255f), regions));

        private final Function<RegionLosses, TrainingScheme> create;

        Scheme(Function<RegionLosses, TrainingScheme> create) {
            this.create = create;
        }

        TrainingScheme with(RegionLosses regions) {
            return create.apply(regions);
        }
    }

    private static void assertLearns(Block block, TrainingScheme scheme) {
        try (TinyTraining training = new TinyTraining(block, scheme, 0.05f).steps(8)) {
            assertThat(training.losses.get(7)).isLessThan(0.9 * training.losses.get(0));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPlainNetworkLearnsWithoutRegionLosses(Scheme scheme) {
        assertLearns(TinyNetworks.plainVit(), scheme.with(RegionLosses.NONE));
    }

    @ParameterizedTest
    @EnumSource
    void aReMoENetworkLearnsWithEachOfThem(Scheme scheme) {
        assertLearns(TinyNetworks.reMoEVit(), scheme.with(new RegionLosses(true, 0.5f, 0)));
        assertLearns(TinyNetworks.reMoEVit(), scheme.with(new RegionLosses(false, 0.5f, 1)));
    }

    @ParameterizedTest
    @EnumSource
    void theNetworkSeesCleanImagesOnlyWhereTheLossNeedsThem(Scheme scheme) {
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel target = new TargetModel(TinyNetworks.reMoEVit(manager), manager)) {
            NDArray images = TinyTraining.images(manager);
            NDArray labels = manager.create(new long[] {0, 3, 1, 4});
            NDArray soft = labels.oneHot(5).mul(0.9).add(0.02);
            long[] seeds = {1, 2, 3, 4};

            NDList both = scheme.with(new RegionLosses(false, 0.5f, 1))
                    .inputs(target, images, soft, seeds);
            NDList plain = scheme.with(RegionLosses.NONE).inputs(target, images, soft, seeds);

            assertThat(both).hasSize(2);
            assertThat(Tensors.doubles(both.get(0))).isEqualTo(Tensors.doubles(images));
            assertThat(Tensors.doubles(both.get(1))).isNotEqualTo(Tensors.doubles(images));
            assertThat(THREAT.distance(both.get(1), images).max().getFloat())
                    .isBetween(2 / 255f, 8 / 255f + 1e-6f);
            boolean crossEntropyAlone = scheme == Scheme.SAT || scheme == Scheme.FAST_AT;
            assertThat(plain).hasSize(crossEntropyAlone ? 1 : 2);
            assertThat(Tensors.doubles(plain.get(plain.size() - 1)))
                    .isEqualTo(Tensors.doubles(both.get(1)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void softLabelsGoThroughAStep(Scheme scheme) {
        try (TinyTraining training = new TinyTraining(
                        TinyNetworks.reMoEVit(),
                        scheme.with(new RegionLosses(true, 0.5f, 1)),
                        0.1f);
                Batch hard = training.batch(0, 3, 1, 4)) {
            NDArray soft = hard.getLabels().head().oneHot(5).mul(0.9).add(0.02);
            Batch batch = new Batch(
                    hard.getManager(),
                    hard.getData(),
                    new NDList(soft),
                    TinyTraining.BATCH,
                    Batchifier.STACK,
                    Batchifier.STACK,
                    0,
                    1,
                    hard.getIndices());

            training.loop.trainBatch(batch);

            assertThat(training.losses).hasSize(1).allMatch(Double::isFinite);
        }
    }
}
