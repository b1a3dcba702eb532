package io.github.remoe.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.print.PrintOptions;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * A Chrome or Chromium without a window. Nothing is fetched: the browser and its chromedriver are those
 * on the path, or those that {@code CHROME_BINARY} and {@code CHROMEWEBDRIVER} name. Tests that need
 * one are skipped where there is none.
 */
final class Browser implements AutoCloseable {

    // Of each new Chrome it says that Selenium does not know it yet, which matters to no test here.
    private static final Logger CDP_VERSIONS =
            Logger.getLogger("org.openqa.selenium.devtools.CdpVersionFinder");
    private static final String AXE = resource("/axe.min.js");
    private static final String LAYOUT = resource("layout.js");

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    static Browser open(Path profile) {
        Optional<File> binary =
                executable("CHROME_BINARY", "chromium", "chromium-browser", "google-chrome");
        Optional<File> chromedriver = executable("CHROMEWEBDRIVER", "chromedriver");
        assumeTrue(binary.isPresent(), "no Chrome or Chromium on the path or in CHROME_BINARY");
        assumeTrue(chromedriver.isPresent(), "no chromedriver on the path or in CHROMEWEBDRIVER");
        ChromeOptions options = new ChromeOptions()
                .setBinary(binary.get())
                .addArguments(
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-default-apps",
                        "--disable-extensions",
                        "--disable-sync",
                        // As on a phone, they take no room.
                        "--hide-scrollbars",
                        "--user-data-dir=" + profile);
        CDP_VERSIONS.setLevel(Level.SEVERE);
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(chromedriver.get())
                .withSilent(true)
                .build();
        ChromeDriver driver = new ChromeDriver(service, options);
        driver.manage().timeouts().scriptTimeout(Duration.ofSeconds(60));
        return new Browser(driver);
    }

    /** The variable names the program or its folder. */
    private static Optional<File> executable(String variable, String... names) {
        String named = System.getenv(variable);
        Stream<Path> candidates = named == null
                ? Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .flatMap(folder -> Stream.of(names).map(Path.of(folder)::resolve))
                : Stream.concat(
                        Stream.of(Path.of(named)), Stream.of(names).map(Path.of(named)::resolve));
        return candidates
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .map(Path::toFile)
                .findFirst();
    }

    private static String resource(String name) {
        try (InputStream in = Browser.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Forgets what was logged and opens a page. */
    void open(String address) {
        log(LogType.BROWSER);
        log(LogType.PERFORMANCE);
        driver.get(address);
    }

    void resize(int width, int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    void emulate(String medium, String colorScheme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of(
                        "media",
                        medium,
                        "features",
                        List.of(Map.of("name", "prefers-color-scheme", "value", colorScheme))));
    }

    /** What the console says since the page was opened. */
    List<String> console() {
        return log(LogType.BROWSER);
    }

    private List<String> log(String type) {
        return driver.manage().logs().get(type).getAll().stream()
                .map(entry -> entry.getLevel() + " " + entry.getMessage())
                .toList();
    }

    /** The addresses that were asked for since the page was opened, those inside it left out. */
    List<String> requests() {
        List<String> addresses = new ArrayList<>();
        for (String line : log(LogType.PERFORMANCE)) {
            JsonObject message = JsonParser.parseString(line.substring(line.indexOf('{')))
                    .getAsJsonObject()
                    .getAsJsonObject("message");
            if (message.get("method").getAsString().equals("Network.requestWillBeSent")) {
                String address = message.getAsJsonObject("params")
                        .getAsJsonObject("request")
                        .get("url")
                        .getAsString();
                if (!address.startsWith("data:")) {
                    addresses.add(address);
                }
            }
        }
        return addresses;
    }

    /** Runs JavaScript, the body of a function. */
    @SuppressWarnings("unchecked")
    <T> T run(String script, Object... arguments) {
        return (T) driver.executeScript(script, arguments);
    }

    /** What violates WCAG 2.2 A or AA, by axe-core: the rule, the element, and why. */
    List<String> violations() {
        driver.executeScript(AXE);
        @SuppressWarnings("unchecked")
        List<String> violations = (List<String>) driver.executeAsyncScript("""
                const done = arguments[arguments.length - 1];
                axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})
                    .then((results) => done(results.violations.flatMap((rule) => rule.nodes.map(
                        (node) => `${rule.id}: ${node.html}: ${node.failureSummary}`))),
                        (error) => done([String(error)]));
                """);
        return violations;
    }

    /** What overlaps, is cut off, too small or missing; opens all that can be opened. */
    List<String> layout() {
        return run(LAYOUT);
    }

    List<WebElement> all(String selector) {
        return driver.findElements(By.cssSelector(selector));
    }

    WebElement one(String selector) {
        return driver.findElement(By.cssSelector(selector));
    }

    WebElement focused() {
        return driver.switchTo().activeElement();
    }

    void press(Keys key) {
        focused().sendKeys(key);
    }

    String title() {
        return driver.getTitle();
    }

    byte[] pdf() {
        return Base64.getDecoder().decode(driver.print(new PrintOptions()).getContent());
    }

    byte[] screenshot() {
        return driver.getScreenshotAs(OutputType.BYTES);
    }

    @Override
    public void close() {
        driver.quit();
    }
}
