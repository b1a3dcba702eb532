package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code train --live}. */
@Timeout(60)
class LiveTrainingTest {

    private static final Pattern ADDRESS = Pattern.compile("Live: (http://localhost:\\d+/)\\R");
    private static final Pattern EPOCH = Pattern.compile("epoch (\\d+), ");

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int train(String arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(("train --data synthetic --samples 64 --batch-size 16 --attack-steps 1"
                                + " --attack fgsm --test-samples 4 --device cpu --out "
                                + folder.resolve("run") + " " + arguments)
                        .split(" "));
    }

    @Test
    void thePageGrowsWhileTheTrainingRuns() {
        CompletableFuture<Set<String>> watched = CompletableFuture.supplyAsync(this::watch);

        assertThat(train("--epochs 20 --live")).as(err.toString()).isZero();

        List<String> pages = List.copyOf(watched.join());
        assertThat(pages).hasSizeGreaterThan(1);
        assertThat(epochs(pages.get(pages.size() - 1))).isGreaterThan(epochs(pages.get(0)));
        assertThat(out.toString()).containsOnlyOnce("Live: ").startsWith("Live: ");
    }

    /** How many epochs the curves of a page have. */
    private static int epochs(String page) {
        return EPOCH.matcher(page)
                .results()
                .mapToInt(epoch -> Integer.parseInt(epoch.group(1)))
                .max()
                .orElse(0);
    }

    /** All pages, each once, until there is none any more. */
    private Set<String> watch() {
        Set<String> pages = new LinkedHashSet<>();
        HttpClient client = HttpClient.newHttpClient();
        try {
            Matcher address = ADDRESS.matcher(out.toString());
            while (!address.find()) {
                Thread.sleep(50);
                address = ADDRESS.matcher(out.toString());
            }
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(address.group(1))).build();
            while (true) {
                HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
                if (answer.statusCode() == 200) {
                    pages.add(answer.body());
                }
                Thread.sleep(200);
            }
        } catch (IOException e) {
            return pages;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aPortThatIsTakenIsFoundBeforeAnythingIsMade() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(train("--live=" + taken.getLocalPort())).isEqualTo(1);

            assertThat(err.toString())
                    .startsWith("Error: Port " + taken.getLocalPort() + " cannot be listened on")
                    .hasLineCount(1);
        }
        assertThat(out.toString()).isEmpty();
        assertThat(folder).isEmptyDirectory();
    }
}
