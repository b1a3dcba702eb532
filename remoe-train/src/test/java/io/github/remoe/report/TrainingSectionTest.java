package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.metrics.Measurement;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** How a training's logs are shown. */
class TrainingSectionTest {

    @TempDir
    private Path run;

    @BeforeEach
    void create() throws IOException {
        new RunFolder(run)
                .create(
                        RunConfig.defaults().with(Map.of("data", "synthetic", "remoe", true)),
                        new RunInfo(
                                List.of("a", "b"), "synthetic", "checksum", 8, "cpu()", Map.of()));
    }

    private Document page() throws IOException {
        return Jsoup.parse(RunReport.builder().addRun(run).build().toHtml());
    }

    private void write(String file, String columns, int lines, String values) throws IOException {
        StringBuilder text = new StringBuilder("step,epoch," + columns + "\n");
        for (int i = 1; i <= lines; i++) {
            text.append(i + "," + i + "," + values + "\n");
        }
        Files.writeString(run.resolve(file), text);
    }

    @Test
    void fewerThanThreeEpochsAreShownByStep() throws IOException {
        write("log.csv", "loss/total", 5, "1");
        for (int epochs = 0; epochs < 3; epochs++) {
            write("epochs.csv", "loss/total", epochs, "1");
            assertThat(page().text())
                    .contains("Values by step: there are no 3 epochs to draw means of.");
        }

        write("epochs.csv", "loss/total", 3, "1");
        assertThat(page().text())
                .contains("Means over the steps of each epoch")
                .doesNotContain("Values by step");
    }

    @Test
    void whatIsNoExpertLoadIsNotDrawnAsOne() throws IOException {
        String load = Measurement.expertLoad(10, 2);
        write(
                "epochs.csv",
                "expertLoad/foo,expertLoad/layer1,expertLoad/layer1.region,"
                        + "expertLoad/layer99999999999.region1,expertLoad/," + load,
                3,
                "0.5,0.5,0.5,0.5,0.5,0.5");

        Document page = page();

        assertThat(page.select("figure[id^=run1-load]").eachAttr("id"))
                .containsExactly("run1-load-layer-10");
        assertThat(page.selectFirst("#run1-load-layer-10").text()).contains("region 2");
        // They are numbers all the same.
        assertThat(page.select("#run1-epochs th").eachText()).contains("expertLoad/foo", load);
    }

    @Test
    void weightsOfTheLossAreNoPartsOfIt() throws IOException {
        write(
                "epochs.csv",
                String.join(
                        ",",
                        "loss/total",
                        "loss/align",
                        Measurement.GAMMA,
                        Measurement.CLEAN_WEIGHT),
                3,
                "2.5,0.5,0.75,0.25");

        Document page = page();

        assertThat(page.selectFirst("#run1-loss").text())
                .contains("total", "align")
                .doesNotContain("gamma", "clean weight");
        assertThat(page.selectFirst("#run1-weights").text()).contains("γ", "β̃");
    }
}
