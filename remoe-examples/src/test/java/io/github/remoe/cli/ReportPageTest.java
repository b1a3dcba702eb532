package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page of a run, as a text and in a browser. */
@Timeout(120)
class ReportPageTest {

    @TempDir
    private static Path folder;

    private static Path run;
    private static Path page;
    private static Document document;

    @BeforeAll
    static void create() throws IOException {
        run = TinyRun.create(folder);
        page = TinyRun.report(run);
        document = Jsoup.parse(page.toFile());
    }

    @Test
    void showsTheAccuraciesOfTheResults() throws IOException {
        ShownAccuracy.check(
                document.select("[data-attack][data-value]").stream()
                        .map(cell -> new ShownAccuracy(
                                cell.attr("data-attack"),
                                cell.attr("data-epsilon"),
                                Double.parseDouble(cell.attr("data-value")),
                                cell.text()))
                        .toList(),
                run);
    }

    @Test
    void whatTheUserNamedIsText() {
        assertThat(document.select("[src=x], [onerror], main b")).isEmpty();
        assertThat(document.wholeText())
                .contains(TinyRun.NASTY, "dog & wolf", run.getFileName().toString());
        assertThat(document.title()).contains(run.getFileName().toString());
    }

    @Test
    void isOneFile() {
        assertThat(document.select("link, iframe, object, embed, base, form")).isEmpty();
        assertThat(document.select("[src]"))
                .allSatisfy(element -> assertThat(element.attr("src")).startsWith("data:image/"));
        assertThat(document.select("style").html()).doesNotContain("url(", "@import");
        assertThat(document.select("meta[http-equiv=Content-Security-Policy]").attr("content"))
                .contains("default-src 'none'")
                .doesNotContain("http", "*", "unsafe-eval");
    }

    @Test
    void linksInsideLeadSomewhere() {
        List<String> ids = document.select("[id]").eachAttr("id");
        assertThat(ids).doesNotHaveDuplicates();
        assertThat(document.select("a[href^=#]").eachAttr("href"))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(ids).contains(link.substring(1)));
    }

    @Test
    void figuresSayWhatTheyShow() {
        assertThat(document.select("figure")).hasSizeGreaterThan(5).allSatisfy(figure -> {
            assertThat(figure.id()).isNotEmpty();
            assertThat(figure.select("svg, img")).isNotEmpty();
        });
        assertThat(document.select("svg")).allSatisfy(svg -> {
            assertThat(svg.attr("role")).isEqualTo("img");
            assertThat(svg.select("> title").text()).isNotEmpty();
        });
    }

    @Test
    void everyFigureIsAFileTooAndTheOtherWayRound() throws IOException {
        Set<String> names = new TreeSet<>(document.select("figure:has(svg)").eachAttr("id"));
        assertThat(files("svg")).isEqualTo(names);
        assertThat(files("png")).isEqualTo(names);
    }

    private static Set<String> files(String ending) throws IOException {
        try (Stream<Path> files = Files.list(page.resolveSibling("figures"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("." + ending))
                    .map(name -> name.substring(0, name.length() - ending.length() - 1))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void coloursCanBeToldApart(boolean dark) {
        Map<String, String> colours = colours(dark);
        for (String ground : List.of("ground", "panel", "warn-ground")) {
            assertThat(contrast(colours.get("text"), colours.get(ground)))
                    .as("text on " + ground)
                    .isGreaterThan(7);
        }
        for (String ground : List.of("ground", "panel")) {
            for (String text : List.of("faint", "link", "right", "wrong")) {
                assertThat(contrast(colours.get(text), colours.get(ground)))
                        .as(text + " on " + ground)
                        .isGreaterThan(4.5);
            }
            for (int series = 1; series <= 6; series++) {
                assertThat(contrast(colours.get("s" + series), colours.get(ground)))
                        .as("series " + series + " on " + ground)
                        .isGreaterThan(3);
            }
        }
    }

    @Test
    void figuresHaveTheColoursOfALightPage() {
        Map<String, String> colours = colours(false);
        for (int series = 1; series <= 6; series++) {
            String colour = colours.get("s" + series);
            assertThat(document.select("svg .s" + series + "-line").eachAttr("stroke"))
                    .allMatch(colour::equals);
            assertThat(document.select("svg .s" + series + "-fill").eachAttr("fill"))
                    .allMatch(colour::equals);
        }
        assertThat(document.select("svg .s1-line, svg .s1-fill")).isNotEmpty();
    }

    /** The colours that the page declares; those of a dark page come second. */
    private static Map<String, String> colours(boolean dark) {
        String style = document.select("style").html();
        String rule = ":root {";
        int start = style.indexOf(rule);
        if (dark) {
            start = style.indexOf(rule, style.indexOf("prefers-color-scheme: dark"));
        }
        Map<String, String> colours = new HashMap<>();
        Matcher colour = Pattern.compile("--([\\w-]+): (#[0-9a-f]{6});")
                .matcher(style.substring(start, style.indexOf('}', start)));
        while (colour.find()) {
            colours.put(colour.group(1), colour.group(2));
        }
        return colours;
    }

    /** WCAG 2.2, "contrast ratio". */
    private static double contrast(String one, String other) {
        double a = luminance(one);
        double b = luminance(other);
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }

    private static double luminance(String colour) {
        double[] weights = {0.2126, 0.7152, 0.0722};
        double luminance = 0;
        for (int i = 0; i < weights.length; i++) {
            double part = Integer.parseInt(colour.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
            luminance += weights[i]
                    * (part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4));
        }
        return luminance;
    }

    /** What only a browser knows. */
    @Nested
    class InABrowser {

        private static final int WIDTH = 1280;
        private static final int HEIGHT = 900;

        @TempDir
        private static Path profile;

        private static Browser browser;

        @BeforeAll
        static void start() {
            browser = Browser.open(profile);
        }

        @AfterAll
        static void close() {
            if (browser != null) {
                browser.close();
            }
        }

        @BeforeEach
        void open() {
            browser.resize(WIDTH, HEIGHT);
            browser.emulate("", "light");
            browser.open(page.toUri().toString());
        }

        @ParameterizedTest
        @CsvSource({"1280, light", "1280, dark", "360, light", "360, dark"})
        void isReadable(int width, String colorScheme) {
            browser.resize(width, HEIGHT);
            browser.emulate("", colorScheme);
            browser.open(page.toUri().toString());

            assertThat(browser.all("figure")).hasSizeGreaterThan(5);
            assertThat(browser.layout()).isEmpty();
            assertThat(browser.violations()).isEmpty();
            assertThat(browser.console()).isEmpty();
        }

        @Test
        void isAllThereIs() {
            assertThat(browser.requests()).containsExactly(page.toUri().toString());
            List<String> others = browser.run("return performance.getEntriesByType('resource')"
                    + ".map((e) => e.name).filter((n) => !n.startsWith('data:'))");
            assertThat(others).isEmpty();
        }

        @Test
        void showsTheAccuraciesOfTheResults() throws IOException {
            List<Map<String, String>> cells =
                    browser.run("return [...document.querySelectorAll('[data-attack][data-value]')]"
                            + ".map((e) => ({...e.dataset, text: e.textContent}))");

            ShownAccuracy.check(
                    cells.stream()
                            .map(cell -> new ShownAccuracy(
                                    cell.get("attack"),
                                    cell.getOrDefault("epsilon", ""),
                                    Double.parseDouble(cell.get("value")),
                                    cell.get("text")))
                            .toList(),
                    run);
        }

        @Test
        void aClassNameDoesNoHarm() {
            assertThat(browser.title()).isNotEqualTo("broken");
            assertThat(browser.all("img[src=x]")).isEmpty();
            String text = browser.run("return document.body.textContent");
            assertThat(text).contains(TinyRun.NASTY, run.getFileName().toString());
        }

        @Test
        void tabReachesAllThatCanBeUsed() {
            List<WebElement> expected = browser.run("return [...document.querySelectorAll("
                    + "'a[href], button, summary, input, select, [tabindex=\"0\"]')]"
                    + ".filter((e) => e.checkVisibility())");
            assertThat(browser.all("nav a")).isNotEmpty();
            assertThat(browser.all("th button")).isNotEmpty();

            List<WebElement> reached = new ArrayList<>();
            for (int i = 0; i < expected.size(); i++) {
                browser.press(Keys.TAB);
                reached.add(browser.focused());
                boolean seen = browser.run("const s = getComputedStyle(document.activeElement);"
                        + " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1");
                assertThat(seen)
                        .as("the focus is seen on %s", browser.focused())
                        .isTrue();
            }

            assertThat(reached).containsExactlyElementsOf(expected);
            // First of all a way past the navigation.
            assertThat(reached.get(0).getDomAttribute("href")).isEqualTo("#main");
            // What can be scrolled sideways can be so by the keyboard.
            List<WebElement> scrollable =
                    browser.run("return [...document.querySelectorAll('main *')]"
                            + ".filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1"
                            + " && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))");
            assertThat(expected).containsAll(scrollable);
        }

        @Test
        void enterSortsTables() {
            browser.layout();
            for (WebElement button : browser.all("th button")) {
                String column = "for the column " + button.getText();
                browser.run("arguments[0].focus()", button);
                browser.press(Keys.ENTER);
                assertSorted(button, "ascending", column);
                browser.press(Keys.ENTER);
                assertSorted(button, "descending", column);
                assertThat(browser.focused()).isEqualTo(button);
            }
        }

        private static void assertSorted(WebElement button, String direction, String column) {
            assertThat((String) browser.run(
                            "return arguments[0].closest('th').getAttribute('aria-sort')", button))
                    .as(column)
                    .isEqualTo(direction);
            List<Object> values = browser.run(
                    "const head = arguments[0].closest('th');"
                            + " const rows = [...head.closest('table').tBodies[0].rows];"
                            + " return rows.map((row) => row.cells[head.cellIndex]).map((cell) =>"
                            + " cell.dataset.value ? Number(cell.dataset.value) : cell.innerText)",
                    button);
            assertThat(values).as(column).isNotEmpty();
            for (int i = 1; i < values.size(); i++) {
                Boolean inOrder = browser.run(
                        "const [a, b] = arguments[2] === 'ascending' ? arguments"
                                + " : [arguments[1], arguments[0]];"
                                + " return typeof a !== typeof b || (typeof a === 'number'"
                                + " ? a <= b : a.localeCompare(b) <= 0)",
                        values.get(i - 1),
                        values.get(i),
                        direction);
                assertThat(inOrder).as("%s, %s: %s", column, direction, values).isTrue();
            }
        }

        @Test
        void cellsWithoutANumberComeLastWhicheverWay() {
            browser.run("document.querySelector('main').innerHTML = '<table class=\"sortable\">"
                    + "<thead><tr><th aria-sort=\"none\"><button>n</button></th></tr></thead>"
                    + "<tbody><tr><td>–</td></tr><tr><td data-value=\"10\">10</td></tr>"
                    + "<tr><td data-value=\"9\">9</td></tr><tr><td>–</td></tr></tbody></table>'");
            String sorted = "document.querySelector('th button').click();"
                    + " return [...document.querySelectorAll('td')].map((e) => e.textContent)";

            assertThat((List<String>) browser.run(sorted)).containsExactly("9", "10", "–", "–");
            assertThat((List<String>) browser.run(sorted)).containsExactly("10", "9", "–", "–");
        }

        @Test
        void isPrintedWithoutWhatPaperCannotUse() {
            String text = new String(browser.pdf(), StandardCharsets.ISO_8859_1);
            assertThat(Pattern.compile("/Type\\s*/Page\\b(?!s)")
                            .matcher(text)
                            .results()
                            .count())
                    .isGreaterThan(1);

            browser.emulate("print", "light");
            for (WebElement element : browser.all("nav, a[href='#main']")) {
                assertThat(element.isDisplayed()).as(element.getText()).isFalse();
            }
        }
    }
}
