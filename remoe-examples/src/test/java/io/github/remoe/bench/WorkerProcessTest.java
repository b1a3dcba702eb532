package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class WorkerProcessTest {

    private static final Requests.Run RUN =
            new Requests.Run("sat-step", 1, 1, 1, 0, false, null, null);

    @TempDir
    private Path folder;

    private WorkerProcess start(String... wrong) throws IOException {
        return new WorkerProcess(
                "The peer",
                FakeWorker.command("theirs", folder.resolve("log"), "0.5", 1, wrong),
                1);
    }

    @Test
    void asksAndAnswers() throws IOException {
        try (WorkerProcess process = start()) {
            assertThat(process.ask("run", RUN).get("seconds").getAsDouble()).isEqualTo(0.5);
            assertThat(process.ask("check", new Requests.Check(1)).get("loss").getAsInt())
                    .isEqualTo(2);
        }
    }

    @Test
    void tellsTheLastWordsOfAProcessThatEnds() throws IOException {
        try (WorkerProcess process = start("exit")) {
            assertThatThrownBy(() -> process.ask("run", RUN))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("The peer gave no answer to {\"do\":\"run\"")
                    .hasMessageContaining("ended with exit code 7")
                    .hasMessageEndingWith("the last words");
        }
    }

    @Test
    void anAnswerIsOneObject() throws IOException {
        try (WorkerProcess process = start("chatter")) {
            assertThatThrownBy(() -> process.ask("run", RUN))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("answered 'Downloading...'");
        }
    }

    @Test
    void ourWorkerStartsOnThisClassPath() throws IOException {
        List<String> command = WorkerProcess.ours();
        assertThat(command.get(0)).startsWith(System.getProperty("java.home"));
        try (WorkerProcess process = new WorkerProcess("Our worker", command, 1)) {
            assertThat(process.ask("memory", Map.of()).keySet()).contains("peakBytes");
        }
    }
}
