package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.report.LiveReport;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.WebElement;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** How a page that is served while it grows behaves in a browser. */
@Timeout(60)
class LivePageTest {

    /** A section that stays, and one that changes and can be scrolled, opened and sorted. */
    private static final String PAGE = """
            <!DOCTYPE html>
            <html lang="en">
            <meta name="viewport" content="width=device-width">
            <title>Epoch %1$d</title>
            <main>
            <section><h2 id="settings">settings</h2><input id="stays"></section>
            <section><h2 id="training">training</h2>
            <p id="epoch">%1$d</p>%2$s
            <details><summary>more</summary><div><table id="folded"></table>%1$d</div></details>
            <div class="wide" style="width: 100px; overflow: auto">
            <table id="epochs" style="width: 900px">
            <tr><th aria-sort="none"><button>epoch</button></th></tr>
            </table></div>
            <p style="height: 3000px">long</p>
            </section>
            </main>
            <script>
            document.addEventListener('click', (event) => {
              const head = event.target.closest('th');
              if (head) {
                const up = head.getAttribute('aria-sort') !== 'ascending';
                head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
              }
            });
            </script>
            <script data-millis="300">%3$s</script>
            </html>
            """;

    @TempDir
    private static Path profile;

    private static Browser browser;

    private volatile int epoch = 1;
    private volatile String above = "";
    private volatile boolean broken;

    @BeforeAll
    static void open() {
        browser = Browser.open(profile);
    }

    @BeforeEach
    void wide() {
        browser.resize(1280, 800);
    }

    @AfterAll
    static void close() {
        if (browser != null) {
            browser.close();
        }
    }

    private LiveReport live() throws IOException {
        LiveReport live = LiveReport.start(0, () -> {
            if (broken) {
                throw new IOException("The <log> is garbled.");
            }
            return String.format(PAGE, epoch, above, LiveReport.script());
        });
        browser.open(live.getAddress().toString());
        return live;
    }

    private static String text(String selector) {
        // At once: an element may be exchanged between being found and being asked.
        return browser.run("return document.querySelector(arguments[0]).innerText", selector);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.sleep(100);
        }
    }

    private static Number number(String expression) {
        return browser.run("return " + expression);
    }

    @Test
    void whatTheReaderDidStaysWhenThePageGrows() throws Exception {
        try (LiveReport live = live()) {
            WebElement input = browser.one("#stays");
            input.sendKeys("typed");
            browser.one("summary").click();
            browser.one("th button").click();
            browser.one("th button").click();
            browser.run("document.querySelector('summary').focus();"
                    + " document.querySelector('.wide').scrollLeft = 200; scrollTo(0, 700)");

            epoch = 2;
            above = "<p style='height: 500px'>new</p>";
            await(() -> text("#epoch").equals("2"));

            assertThat(browser.title()).isEqualTo("Epoch 2");
            assertThat(browser.one("details").getDomProperty("open")).isEqualTo("true");
            assertThat(browser.one("th").getDomAttribute("aria-sort")).isEqualTo("descending");
            assertThat(number("document.querySelector('.wide').scrollLeft").intValue())
                    .isEqualTo(200);
            // The same element: a section that is as it was is not touched.
            assertThat(input.getDomProperty("value")).isEqualTo("typed");
            assertThat(browser.focused().getTagName()).isEqualTo("summary");
            assertThat(number("scrollY").intValue()).isEqualTo(700);
            assertThat(text(".live-status")).contains("The training runs.", "Updated ");
            assertThat(browser.console()).isEmpty();
        }
    }

    @Test
    void whyThereIsNoNewPageIsSaidAndTheOldOneStays() throws Exception {
        try (LiveReport live = live()) {
            broken = true;
            await(() -> text(".live-status").contains("The <log> is garbled."));
            assertThat(text("#epoch")).isEqualTo("1");

            broken = false;
            await(() -> text(".live-status").contains("The training runs."));
        }
    }

    @Test
    void aPageThatIsNotThereYetComes() throws Exception {
        broken = true;
        try (LiveReport live = live()) {
            assertThat(text("main")).isEqualTo("The <log> is garbled.");
            broken = false;
            await(() -> !browser.all("#epoch").isEmpty());
            // All of it, its head too.
            assertThat(browser.all("[name=color-scheme]")).isEmpty();
        }
    }

    @Test
    void theEndIsSaidAndTheLastPageStays() throws Exception {
        LiveReport live = live();
        await(() -> number("performance.getEntriesByType('resource').length").intValue() > 0);
        epoch = 3;
        CompletableFuture<Void> closed = CompletableFuture.runAsync(live::close);

        await(() -> text(".live-status").contains("The training has ended"));

        assertThat(text("#epoch")).isEqualTo("3");
        closed.get();
        Thread.sleep(1000);
        // It does not ask any more.
        assertThat(browser.console()).isEmpty();
    }

    @Test
    void aServerThatIsGoneIsSaid() throws Exception {
        LiveReport live = live();
        live.close();

        await(() -> text(".live-status").contains("No answer any more"));

        assertThat(text("#epoch")).isEqualTo("1");
    }

    @Test
    void theStatusIsAccessible() throws Exception {
        try (LiveReport live = live()) {
            for (String scheme : new String[] {"light", "dark"}) {
                browser.emulate("", scheme);
                browser.run(
                        "document.documentElement.style.colorScheme = arguments[0]; document.querySelector('main').hidden = true",
                        scheme);
                assertThat(browser.violations()).isEmpty();
            }
        }
    }
}
