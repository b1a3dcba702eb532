package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

@Timeout(30)
class LiveReportTest {

    private static final String PAGE = "<!DOCTYPE html><title>page</title>";

    private final HttpClient client = HttpClient.newHttpClient();

    private static LiveReport live(LiveReport.Page page) throws IOException {
        return LiveReport.start(0, page);
    }

    private HttpResponse<String> get(LiveReport live, String path) throws Exception {
        return send(live, path, "GET");
    }

    private HttpResponse<String> send(LiveReport live, String path, String method)
            throws Exception {
        return client.send(
                HttpRequest.newBuilder(live.getAddress().resolve(path))
                        .method(method, BodyPublishers.noBody())
                        .build(),
                BodyHandlers.ofString());
    }

    /** What a server answers to a request as it is written here. */
    private static String raw(LiveReport live, String request) throws IOException {
        try (Socket socket = new Socket("localhost", live.getAddress().getPort())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void showsThePage() throws Exception {
        try (LiveReport live = live(() -> PAGE + "ε")) {
            HttpResponse<String> answer = get(live, "/");

            assertThat(live.getAddress().getHost()).isEqualTo("localhost");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo(PAGE + "ε");
            assertThat(answer.headers().firstValue("Content-Type"))
                    .contains("text/html; charset=utf-8");
            assertThat(answer.headers().firstValue("Cache-Control")).contains("no-store");
            assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
            assertThat(answer.headers().firstValue("Training")).contains("running");
            assertThat(answer.headers().firstValue("Content-Security-Policy"))
                    .hasValueSatisfying(policy -> assertThat(policy)
                            .contains("default-src 'none'", "frame-ancestors 'none'")
                            .doesNotContain("*", "http", "unsafe-eval"));
        }
    }

    @Test
    void aHeadIsThePageWithoutItsBody() throws Exception {
        try (LiveReport live = live(() -> PAGE)) {
            HttpResponse<String> answer = send(live, "/", "HEAD");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEmpty();
            assertThat(answer.headers().firstValueAsLong("Content-Length")).hasValue(PAGE.length());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1", "[::1]"})
    void thisMachinesNamesAreAnswered(String name) throws Exception {
        try (LiveReport live = live(() -> PAGE)) {
            String port = ":" + live.getAddress().getPort();
            // Without a port it is 80; another one is a tunnel's.
            for (String host : List.of(name + port, name, name + ":9999")) {
                assertThat(raw(live, "GET / HTTP/1.0\r\nHost: " + host + "\r\n\r\n"))
                        .startsWith("HTTP/1.1 200 ")
                        .endsWith(PAGE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host: evil.example\r\n",
                "Host: localhost.evil.example\r\n",
                "Host: evil.example:localhost\r\n",
                "Host: localhost@evil.example\r\n",
                "Host: 127.0.0.1.evil.example:80\r\n",
                "Host: 0.0.0.0\r\n",
                "Host: \r\n",
                "Host: localhost\r\nHost: evil.example\r\n",
                ""
            })
    void otherNamesGetNothing(String host) throws Exception {
        AtomicInteger rendered = new AtomicInteger();
        try (LiveReport live = live(() -> PAGE + rendered.incrementAndGet())) {
            assertThat(raw(live, "GET / HTTP/1.0\r\n" + host + "\r\n"))
                    .containsPattern("^HTTP/1.1 40[03] ")
                    .doesNotContain(PAGE);
            assertThat(rendered).hasValue(0);
        }
    }

    @Test
    void thereIsNothingElse() throws Exception {
        try (LiveReport live = live(() -> PAGE)) {
            for (String path : List.of("/config.yaml", "/../", "/index.html", "/%2e%2e/")) {
                assertThat(send(live, path, "GET").statusCode()).as(path).isEqualTo(404);
            }
            for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS", "TRACE")) {
                HttpResponse<String> answer = send(live, "/", method);
                assertThat(answer.statusCode()).as(method).isEqualTo(405);
                assertThat(answer.headers().firstValue("Allow")).contains("GET, HEAD");
                assertThat(answer.body()).doesNotContain(PAGE);
            }
        }
    }

    @Test
    void othersCannotConnect() throws Exception {
        Optional<InetAddress> outside = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                .findFirst();
        assumeTrue(outside.isPresent(), "this machine has no address but the loopback one");
        try (LiveReport live = live(() -> PAGE);
                Socket socket = new Socket()) {
            InetSocketAddress address =
                    new InetSocketAddress(outside.get(), live.getAddress().getPort());

            assertThatThrownBy(() -> socket.connect(address, 5000)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aPortThatIsTakenIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> LiveReport.start(taken.getLocalPort(), () -> PAGE))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith(
                            "Port " + taken.getLocalPort() + " cannot be listened on: ")
                    .hasMessageEndingWith("Choose another, or 0 for a free one.");
        }
        for (int port : new int[] {-1, 65536}) {
            assertThatThrownBy(() -> LiveReport.start(port, () -> PAGE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no port " + port);
        }
    }

    @Test
    void howeverManyAskThePageIsMadeOnceASecond() throws Exception {
        AtomicInteger rendered = new AtomicInteger();
        AtomicReference<Thread> renderer = new AtomicReference<>();
        try (LiveReport live = live(() -> {
            renderer.set(Thread.currentThread());
            return PAGE + rendered.incrementAndGet();
        })) {
            long start = System.nanoTime();
            List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                answers.add(client.sendAsync(
                        HttpRequest.newBuilder(live.getAddress()).build(),
                        BodyHandlers.ofString()));
            }
            for (CompletableFuture<HttpResponse<String>> answer : answers) {
                assertThat(answer.get().body()).startsWith(PAGE);
            }
            double seconds = (System.nanoTime() - start) / 1e9;

            assertThat(rendered.get()).isBetween(1, 1 + (int) seconds);
            assertThat(renderer.get().isDaemon()).isTrue();
            assertThat(renderer.get()).isNotSameAs(Thread.currentThread());
            // It goes on with what is new.
            int before = rendered.get();
            Thread.sleep(1100);
            assertThat(get(live, "/").body()).isEqualTo(PAGE + (before + 1));
        }
    }

    @Test
    void aPageThatTakesLongIsMadeSeldom() throws Exception {
        AtomicInteger rendered = new AtomicInteger();
        try (LiveReport live = live(() -> {
            try {
                Thread.sleep(300);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return PAGE + rendered.incrementAndGet();
        })) {
            get(live, "/");
            Thread.sleep(1500);

            // At most a tenth of the time: not before 9 times 300 ms have gone by.
            assertThat(get(live, "/").body()).isEqualTo(PAGE + 1);
        }
    }

    @Test
    void whyThereIsNoPageIsShown() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        try (LiveReport live = live(() -> {
            switch (asked.incrementAndGet()) {
                case 1 -> throw new IOException("No <epoch> so far.\nat io.github.remoe");
                case 2 -> throw new IllegalStateException();
                default -> {
                    return PAGE;
                }
            }
        })) {
            HttpResponse<String> first = get(live, "/");
            assertThat(first.statusCode()).isEqualTo(503);
            assertThat(first.body())
                    .contains("<p>No &lt;epoch&gt; so far.</p>", LiveReport.script())
                    .doesNotContain("at io.github.remoe");

            Thread.sleep(1100);
            HttpResponse<String> second = get(live, "/");
            assertThat(second.statusCode()).isEqualTo(503);
            assertThat(second.body())
                    .contains("<p>java.lang.IllegalStateException</p>")
                    .doesNotContain("\tat ");

            Thread.sleep(1100);
            assertThat(get(live, "/").body()).isEqualTo(PAGE);
        }
    }

    @Test
    void afterItsEndThereIsNothing() throws Exception {
        LiveReport live = live(() -> PAGE);
        URI address = live.getAddress();
        get(live, "/");

        long start = System.nanoTime();
        live.close();
        live.close();

        // A page that does not refresh itself is not waited for.
        assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
        assertThatThrownBy(() -> client.send(
                        HttpRequest.newBuilder(address).build(), BodyHandlers.ofString()))
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void whoeverWatchesSeesTheEnd() throws Exception {
        AtomicReference<String> state = new AtomicReference<>("training");
        LiveReport live = live(() -> PAGE + state.get());
        assertThat(get(live, "/?refresh").body()).endsWith("training");

        state.set("trained");
        CompletableFuture<Void> closed = CompletableFuture.runAsync(live::close);
        Thread.sleep(500);
        HttpResponse<String> last = get(live, "/?refresh");

        assertThat(last.body()).endsWith("trained");
        assertThat(last.headers().firstValue("Training")).contains("ended");
        closed.get();
    }

    /** Goes on as soon as the test does. */
    private static String slowly(CountDownLatch begun, CountDownLatch end) {
        begun.countDown();
        try {
            end.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return PAGE;
    }

    @ParameterizedTest
    @CsvSource({"/, 1", "/?refresh, 6"})
    void aPageThatIsBeingMadeDoesNotHoldUpTheEnd(String path, int seconds) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        LiveReport live = live(() -> slowly(begun, new CountDownLatch(1)));
        CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                HttpRequest.newBuilder(live.getAddress().resolve(path)).build(),
                BodyHandlers.ofString());
        begun.await();

        long start = System.nanoTime();
        live.close();

        assertThat(System.nanoTime() - start).isLessThan(seconds * 1_000_000_000L);
        assertThatThrownBy(answer::get).isInstanceOf(ExecutionException.class);
    }

    @Test
    void whoAsksWhileThePageIsBeingMadeGetsTheSame() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        AtomicInteger rendered = new AtomicInteger();
        try (LiveReport live = live(() -> slowly(begun, end) + rendered.incrementAndGet())) {
            HttpRequest request = HttpRequest.newBuilder(live.getAddress()).build();
            var first = client.sendAsync(request, BodyHandlers.ofString());
            begun.await();
            var second = client.sendAsync(request, BodyHandlers.ofString());
            Thread.sleep(200);
            end.countDown();

            assertThat(first.get().body()).isEqualTo(PAGE + 1);
            assertThat(second.get().body()).isEqualTo(PAGE + 1);
        }
    }

    @Test
    void whatWasBegunBeforeTheEndIsNotTheLast() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        LiveReport live = live(() -> slowly(begun, end));
        HttpRequest request =
                HttpRequest.newBuilder(live.getAddress().resolve("/?refresh")).build();
        var before = client.sendAsync(request, BodyHandlers.ofString());
        begun.await();
        CompletableFuture<Void> closed = CompletableFuture.runAsync(live::close);
        Thread.sleep(200);
        end.countDown();

        assertThat(before.get().headers().firstValue("Training")).contains("running");
        assertThat(client.send(request, BodyHandlers.ofString()).headers().firstValue("Training"))
                .contains("ended");
        closed.get(2, TimeUnit.SECONDS);
    }

    @Test
    void anErrorIsToldAndDoesNotMakeThePageMoreOften() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        PrintStream terminal = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (LiveReport live = live(() -> {
            asked.incrementAndGet();
            throw new OutOfMemoryError("Java heap space\nand more");
        })) {
            System.setErr(new PrintStream(printed));
            for (int i = 0; i < 5; i++) {
                HttpResponse<String> answer = get(live, "/");
                assertThat(answer.statusCode()).isEqualTo(503);
                assertThat(answer.body())
                        .contains("<p>java.lang.OutOfMemoryError: Java heap space</p>");
            }
        } finally {
            System.setErr(terminal);
        }
        assertThat(asked).hasValueLessThan(5);
        assertThat(printed.toString(StandardCharsets.UTF_8)).doesNotContain("OutOfMemoryError");
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("live report"))
                .count();
    }

    @Test
    void halfSentRequestsKeepOthersWaitingForSecondsAlone() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try (LiveReport live = live(() -> PAGE)) {
            long before = threads();
            for (int i = 0; i < 20; i++) {
                Socket socket = new Socket("localhost", live.getAddress().getPort());
                socket.getOutputStream().write("GET / HT".getBytes(StandardCharsets.US_ASCII));
                slow.add(socket);
            }
            Thread.sleep(300);

            assertThat(threads() - before).isLessThanOrEqualTo(16);
            // 20 clients of 2 s each on 16 threads.
            CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                    HttpRequest.newBuilder(live.getAddress()).build(), BodyHandlers.ofString());
            assertThat(answer.get(15, TimeUnit.SECONDS).body()).isEqualTo(PAGE);
            // Their connections are closed.
            slow.get(0).setSoTimeout(5000);
            assertThat(slow.get(0).getInputStream().read()).isEqualTo(-1);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void whoDoesNotReadTheAnswerDoesNotHoldUpTheEnd() throws Exception {
        String large = PAGE.repeat(1 << 20);
        List<Socket> slow = new ArrayList<>();
        LiveReport live = live(() -> large);
        try {
            for (int i = 0; i < 8; i++) {
                Socket socket = new Socket("localhost", live.getAddress().getPort());
                socket.getOutputStream()
                        .write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                slow.add(socket);
            }
            assertThat(get(live, "/").body()).hasSameSizeAs(large);
            long start = System.nanoTime();
            live.close();
            assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
        } finally {
            live.close();
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }
}
