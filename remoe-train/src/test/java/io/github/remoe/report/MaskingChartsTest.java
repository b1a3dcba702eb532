package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.MaskingReport;

import org.junit.jupiter.api.Test;

import java.awt.image.BufferedImage;
import java.util.List;

class MaskingChartsTest {

    private static final int LINE = 0x1F5FA8;

    private static MaskingReport report(ThreatModel threat, double lossInTheEnd) {
        return new MaskingReport(
                threat,
                new Accuracy(160, 200),
                List.of(
                        new MaskingReport.Steps(1, 1.2, new Accuracy(120, 200)),
                        new MaskingReport.Steps(10, 2.4, new Accuracy(90, 200)),
                        new MaskingReport.Steps(100, lossInTheEnd, new Accuracy(88, 200))),
                List.of(
                        new MaskingReport.Epsilon(threat.epsilon(), new Accuracy(88, 200)),
                        new MaskingReport.Epsilon(4 * threat.epsilon(), new Accuracy(20, 200)),
                        new MaskingReport.Epsilon(1, new Accuracy(0, 200))),
                List.of(),
                List.of());
    }

    private static long pixels(BufferedImage chart, int color) {
        long count = 0;
        for (int y = 0; y < chart.getHeight(); y++) {
            for (int x = 0; x < chart.getWidth(); x++) {
                count += (chart.getRGB(x, y) & 0xFFFFFF) == color ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void curvesAreDrawn() {
        for (ThreatModel threat : List.of(ThreatModel.linf(8 / 255f), ThreatModel.l2(0.5f))) {
            assertThat(pixels(MaskingCharts.accuracyOverEpsilon(report(threat, 2.5)), LINE))
                    .isGreaterThan(300);
            assertThat(pixels(MaskingCharts.lossOverSteps(report(threat, 2.5)), LINE))
                    .isGreaterThan(300);
        }
    }

    @Test
    void aFlatLossIsDrawnToo() {
        MaskingReport flat = new MaskingReport(
                ThreatModel.linf(8 / 255f),
                new Accuracy(160, 200),
                List.of(
                        new MaskingReport.Steps(1, 0, new Accuracy(160, 200)),
                        new MaskingReport.Steps(100, 0, new Accuracy(160, 200))),
                List.of(new MaskingReport.Epsilon(1, new Accuracy(160, 200))),
                List.of(),
                List.of());

        assertThat(pixels(MaskingCharts.lossOverSteps(flat), LINE)).isGreaterThan(100);
        assertThat(pixels(MaskingCharts.accuracyOverEpsilon(flat), LINE)).isGreaterThan(10);
    }
}
