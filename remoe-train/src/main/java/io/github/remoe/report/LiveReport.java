package io.github.remoe.report;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import io.github.remoe.figure.Template;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Shows a page while it grows: to browsers on this machine, and to no one else.
 *
 * <p>The page is made anew when a browser asks, in a thread of its own, at most once a second and for
 * at most a tenth of the time, however many browsers ask. Who asks meanwhile waits for it for some
 * seconds, then gets the one before. Where it cannot be made, browsers are told why. A page that holds
 * {@link #script()} refreshes itself every few seconds.
 *
 * <p>It listens on the loopback address and answers requests for {@code localhost} alone: a site that
 * gives its own name this machine's address gets nothing to read. Through {@code ssh -L} it can be seen
 * from elsewhere.
 *
 * <pre>{@code
 * try (LiveReport live = LiveReport.start(0, () -> page(run))) {
 *     System.out.println("Live: " + live.getAddress());
 *     run.train();
 * }
 * }</pre>
 */
public final class LiveReport implements AutoCloseable {

    private static final Logger LOGGER = LoggerFactory.getLogger(LiveReport.class);

    private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");
    // What a page needs that has its styles, scripts and pictures in itself. It may allow itself
    // less by a policy of its own.
    private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline';"
            + " script-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none';"
            + " form-action 'none'; frame-ancestors 'none'";
    private static final Template NO_PAGE = new Template(LiveReport.class, "live.html.ftlh");
    private static final String SCRIPT = readScript();

    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int PAUSE_FACTOR = 9;
    // A little longer than live.js waits.
    private static final long LAST_LOOK_MILLIS = 4000;
    private static final long WAIT_SECONDS = 10;
    private static final Duration ANSWER = Duration.ofSeconds(60);

    private final Page page;
    private final HttpServer server;
    private final ExchangeThreads threads = new ExchangeThreads();
    private final ExecutorService renderer = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "live report, page");
        thread.setDaemon(true);
        return thread;
    });
    private final CountDownLatch lastLook = new CountDownLatch(1);

    // Of what is guarded by this lock nothing takes long, for close() takes it too.
    private Content content =
            Content.unavailable("The page is being made, which takes a while.", false);
    private CompletableFuture<Content> rendering;
    private long due = System.nanoTime();
    private long lastRefresh = due - TimeUnit.DAYS.toNanos(1);
    private boolean ended;

    /** Makes a page. */
    @FunctionalInterface
    public interface Page {

        /**
         * Makes the page as it is now.
         *
         * @return the page, HTML
         * @throws IOException if it cannot be made, or not yet; its message is shown
         */
        String render() throws IOException;
    }

    private LiveReport(Page page, HttpServer server) {
        this.page = page;
        this.server = server;
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /**
     * Starts to show a page.
     *
     * @param port the port, 1 to 65535; 0 takes a free one
     * @param page makes the page; called in another thread, never twice at a time
     * @return what shows it, until closed
     * @throws IOException if the port is taken or not allowed
     * @throws IllegalArgumentException if there is no such port
     */
    public static LiveReport start(int port, Page page) throws IOException {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException(String.format(
                    "There is no port %d: choose one of 1 to 65535, or 0 for a free one.", port));
        }
        HttpServer server;
        try {
            server = HttpServer.create(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (BindException e) {
            throw new IOException(
                    String.format(
                            "Port %d cannot be listened on: %s. Choose another, or 0 for a free one.",
                            port, e.getMessage()),
                    e);
        }
        return new LiveReport(page, server);
    }

    /**
     * Returns what a page holds in a {@code <script>} at its end to refresh itself. Of the page's
     * {@code <main>}, it exchanges those children that have changed; what is opened, scrolled and
     * sorted stays so.
     *
     * @return JavaScript
     */
    public static String script() {
        return SCRIPT;
    }

    /**
     * Returns where the page is.
     *
     * @return such as {@code http://localhost:8080/}
     */
    public URI getAddress() {
        return URI.create("http://localhost:" + server.getAddress().getPort() + "/");
    }

    /**
     * Ends it, within a few seconds. A browser that refreshed the page lately gets these to fetch its
     * last state; a page that is being made is given up then.
     */
    @Override
    public void close() {
        boolean watched;
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
            due = System.nanoTime();
            watched = due - lastRefresh < TimeUnit.MILLISECONDS.toNanos(2 * LAST_LOOK_MILLIS);
        }
        if (watched) {
            newest();
            try {
                lastLook.await(LAST_LOOK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        server.stop(0);
        threads.close();
        renderer.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        threads.limit(ANSWER);
        try (exchange) {
            Headers headers = exchange.getResponseHeaders();
            headers.set("Content-Type", "text/plain; charset=utf-8");
            headers.set("Cache-Control", "no-store");
            headers.set("Content-Security-Policy", POLICY);
            headers.set("Cross-Origin-Resource-Policy", "same-origin");
            headers.set("Referrer-Policy", "no-referrer");
            headers.set("X-Content-Type-Options", "nosniff");
            if (!isForThisMachine(exchange.getRequestHeaders())) {
                send(exchange, 403, "Ask for http://localhost, on this machine.\n");
            } else if (!"/".equals(exchange.getRequestURI().getPath())) {
                send(exchange, 404, "There is one page: /\n");
            } else if (!Set.of("GET", "HEAD").contains(exchange.getRequestMethod())) {
                headers.set("Allow", "GET, HEAD");
                send(exchange, 405, "The page can only be read: GET or HEAD.\n");
            } else {
                headers.set("Content-Type", "text/html; charset=utf-8");
                sendPage(exchange);
            }
        }
    }

    /** Whatever the port: through a tunnel it is another one. */
    private static boolean isForThisMachine(Headers headers) {
        List<String> hosts = headers.getOrDefault("Host", List.of());
        return hosts.size() == 1 && HOSTS.contains(hosts.get(0).replaceFirst(":\\d+$", ""));
    }

    private void sendPage(HttpExchange exchange) throws IOException {
        boolean refresh = "refresh".equals(exchange.getRequestURI().getQuery());
        if (refresh) {
            synchronized (this) {
                lastRefresh = System.nanoTime();
            }
        }
        Content now = contentInTime();
        exchange.getResponseHeaders().set("Training", now.last() ? "ended" : "running");
        send(exchange, now.status(), now.body());
        // What was sent may wait in a buffer.
        exchange.close();
        if (refresh && now.last()) {
            lastLook.countDown();
        }
    }

    private Content contentInTime() throws IOException {
        try {
            return newest().get(WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            synchronized (this) {
                return content;
            }
        } catch (ExecutionException e) {
            throw new IOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        }
    }

    /** The page as it is, or will be when it is made, if it is being made or time to. */
    private synchronized Future<Content> newest() {
        if (rendering == null && System.nanoTime() - due >= 0) {
            rendering = CompletableFuture.supplyAsync(this::render, renderer);
        }
        return rendering == null ? CompletableFuture.completedFuture(content) : rendering;
    }

    private Content render() {
        boolean last;
        synchronized (this) {
            last = ended;
        }
        long start = System.nanoTime();
        Content made;
        try {
            made = new Content(200, page.render().getBytes(StandardCharsets.UTF_8), last);
        } catch (Throwable e) {
            // Even if memory runs out or a class is missing: the training goes on without a page.
            LOGGER.debug("The live page cannot be made", e);
            made = Content.unavailable(message(e), last);
        }
        long end = System.nanoTime();
        synchronized (this) {
            content = made;
            rendering = null;
            // What was begun before the end does not show it.
            due = ended && !last ? end : end + Math.max(PAUSE_NANOS, PAUSE_FACTOR * (end - start));
        }
        return made;
    }

    private static String message(Throwable e) {
        String message = e.getClass() == IOException.class && e.getMessage() != null
                ? e.getMessage()
                : e.toString();
        return message.lines().findFirst().orElse("");
    }

    /** What browsers are answered; the last when it is made after the end. */
    private record Content(int status, byte[] body, boolean last) {

        static Content unavailable(String message, boolean last) {
            String html = NO_PAGE.fill(Map.of("message", message, "script", SCRIPT));
            return new Content(503, html.getBytes(StandardCharsets.UTF_8), last);
        }
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        send(exchange, status, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(status, -1);
        } else {
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static String readScript() {
        try (InputStream in = LiveReport.class.getResourceAsStream("live.js")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
