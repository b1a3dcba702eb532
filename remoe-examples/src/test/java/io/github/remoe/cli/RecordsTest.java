package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunFolder;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What commands leave about themselves. */
class RecordsTest {

    @TempDir
    private static Path shared;

    private static Path run;

    @BeforeAll
    static void createRun() throws IOException {
        run = TinyRun.create(shared);
    }

    @Test
    void resultsNameTheCommandThatMadeThem() throws IOException {
        assertThat(new RunFolder(run).readResults().command())
                .startsWith("evaluate '--run=" + run + "' --samples=0 --attack=fgsm,pgd-2")
                .endsWith("--save-adversarial --device=cpu");
        // Of the training, which evaluated the last weights too.
        assertThat(new RunFolder(run.resolve("last")).readResults().command())
                .startsWith("train --model=vit_micro_patch4_32 --remoe")
                .endsWith("'--out=" + run + "'");
    }

    @Test
    void aCheckNamesItsModelDataAndCommand() throws IOException {
        Results results = new RunFolder(run).readResults();
        MaskingReport masking = MaskingReport.load(run.resolve("masking").resolve("masking.json"));

        assertThat(masking.model()).isEqualTo(results.model().checksum());
        assertThat(masking.datasetChecksum()).isEqualTo(results.dataset().checksum());
        assertThat(masking.command()).startsWith("masking '--run=" + run + "' --samples=6");
    }

    @Test
    void thePageNamesAllThree() throws IOException {
        Path out = shared.resolve("a report");
        TinyRun.execute("report", "--run=" + run, "--out=" + out, "--device=cpu");

        Document page = Jsoup.parse(Files.readString(out.resolve("report.html")));

        assertThat(page.text())
                .contains("Made by: report '--run=" + run + "' '--out=" + out + "' --device=cpu")
                .contains(new RunFolder(run).readResults().command())
                .contains("masking '--run=" + run + "' --samples=6 --queries=5 --device=cpu")
                .doesNotContain("not on record");
    }

    @Test
    void partsThatAreMergedNameTheMerging() throws IOException {
        for (String part : new String[] {"1", "2"}) {
            TinyRun.execute(
                    "evaluate",
                    "--run=" + run,
                    "--samples=6",
                    "--attack=fgsm",
                    "--shard=" + part + "/2",
                    "--out=" + shared.resolve(part),
                    "--device=cpu");
        }
        Path whole = shared.resolve("whole");
        TinyRun.execute(
                "merge",
                shared.resolve("1").toString(),
                shared.resolve("2").toString(),
                "--out=" + whole);

        assertThat(new RunFolder(whole).readResults().command()).startsWith("merge " + shared);
    }
}
