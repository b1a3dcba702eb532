package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether that which looks at pages sees what is wrong with one. */
@Timeout(60)
class BrowserTest {

    @TempDir
    private static Path folder;

    @TempDir
    private static Path profile;

    private static Browser browser;

    @BeforeAll
    static void open() {
        browser = Browser.open(profile);
        browser.resize(360, 740);
    }

    @AfterAll
    static void close() {
        if (browser != null) {
            browser.close();
        }
    }

    private static void show(String main) throws IOException {
        Path page = folder.resolve("page.html");
        Files.writeString(page, """
                <!DOCTYPE html>
                <html lang="en"><meta charset="utf-8"><title>page</title>
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <main>%s</main></html>
                """.formatted(main));
        browser.open(page.toUri().toString());
    }

    private static String figure(String content) {
        return "<figure id='one'><svg width='200' viewBox='0 0 200 100' role='img'><title>t</title>"
                + content + "</svg></figure>";
    }

    @Test
    void aGoodPageIsGood() throws IOException {
        show("<p>text</p>"
                + figure("<text x='10' y='20'>one</text><text x='10' y='35'>two</text>"
                        + "<text transform='translate(190,90) rotate(-90)'>three</text>"));

        assertThat(browser.layout()).isEmpty();
        assertThat(browser.violations()).isEmpty();
        assertThat(browser.console()).isEmpty();
        assertThat(browser.requests()).hasSize(1);
    }

    @Test
    void whatIsWiderThanTheWindowIsSeen() throws IOException {
        show("<p style='width: 400px'>wide</p>");
        assertThat(browser.layout()).singleElement().asString().contains("window of 360: p 'wide'");
    }

    @Test
    void figuresWithoutAPictureAreSeen() throws IOException {
        show(
                "<figure id='none'></figure><figure id='flat'><svg width='0' height='50'></svg></figure>"
                        + "<figure id='bad'><img alt='' src='data:image/png;base64,AAAA' width='50'"
                        + " height='50'></figure>");
        assertThat(browser.layout())
                .containsExactly(
                        "The figure none holds no picture",
                        "In flat a picture is 0 x 50",
                        "In bad a picture cannot be decoded");
    }

    @Test
    void textThatCannotBeReadIsSeen() throws IOException {
        show(figure("<text x='10' y='50'>one</text><text x='20' y='54'>two</text>"
                + "<text x='180' y='90'>three</text>"
                + "<text x='10' y='80' font-size='6'>four</text>"));
        assertThat(browser.layout())
                .containsExactly(
                        "In one text 'two' overlaps text 'one'",
                        "In one text 'three' is cut off",
                        "In one text 'four' is 6.0 pixels high");

        show("<details><div id='cut' style='width: 50px; overflow: hidden; white-space: nowrap'>"
                + "much too long</div></details>");
        assertThat(browser.layout()).containsExactly("div 'much too long' is cut off");
    }

    @Test
    void whatViolatesTheGuidelinesIsSeen() throws IOException {
        show("<p style='color: #999; background: #fff'>faint</p><button></button>");
        assertThat(browser.violations())
                .anySatisfy(violation -> assertThat(violation).startsWith("color-contrast: "))
                .anySatisfy(violation -> assertThat(violation).startsWith("button-name: "));
    }

    @Test
    void requestsAndErrorsAreSeen() throws IOException {
        show("<img alt='' src='gone.png'><script>none()</script>");
        assertThat(browser.requests())
                .anySatisfy(address -> assertThat(address).endsWith("gone.png"));
        assertThat(browser.console())
                .anySatisfy(message -> assertThat(message).contains("none is not defined"));
    }
}
