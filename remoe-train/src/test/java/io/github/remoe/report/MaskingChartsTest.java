package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.figure.Figure;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

class MaskingChartsTest {

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

    private static String data(Figure chart, String styleClass) {
        Matcher path =
                Pattern.compile("class=\"" + styleClass + "\" d=\"([^\"]*)\"").matcher(chart.svg());
        assertThat(path.find()).isTrue();
        return path.group(1);
    }

    @Test
    void curvesHaveAPointForEachMeasurement() {
        Figure accuracy =
                MaskingCharts.accuracyOverEpsilon(report(ThreatModel.linf(8 / 255f), 2.5));

        assertThat(accuracy.svg())
                .contains("under attack (95 % interval): 8 of 255, 44 % (37.3 to 50.93)")
                .contains("32 of 255, 10 %")
                .contains("255 of 255, 0 %")
                .contains("without attack: 80 %");
        assertThat(data(accuracy, "s1-line").chars().filter(c -> c == 'L').count())
                .isEqualTo(2);
        assertThat(data(accuracy, "s1-fill")).endsWith("Z");
        assertThat(MaskingCharts.accuracyOverEpsilon(report(ThreatModel.l2(0.5f), 2.5))
                        .svg())
                .contains("epsilon (l2) 0.5, 44 %");
        assertThat(MaskingCharts.accuracyOverSteps(report(ThreatModel.l2(0.5f), 2.5))
                        .svg())
                .contains("steps 1, 60 %", "steps 10, 45 %", "steps 100, 44 %");
        assertThat(MaskingCharts.lossOverSteps(report(ThreatModel.l2(0.5f), 2.5))
                        .svg())
                .contains("steps 1, loss 1.2", "steps 10, loss 2.4", "steps 100, loss 2.5");
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

        assertThat(MaskingCharts.of(flat)).hasSize(3);
        assertThat(data(MaskingCharts.lossOverSteps(flat), "s1-line"))
                .matches("M[0-9.]+ ([0-9.]+)L[0-9.]+ \\1");
        assertThat(MaskingCharts.accuracyOverEpsilon(flat).svg()).contains("255 of 255, 80 %");
    }
}
