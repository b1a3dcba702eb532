package io.github.remoe.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What was measured on.
 *
 * @param processor the processor's name
 * @param cores how many of its cores this process may use
 * @param memoryBytes the main memory
 * @param system the operating system
 * @param java the version of Java
 */
record Machine(String processor, int cores, long memoryBytes, String system, String java) {

    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

    static Machine present() {
        com.sun.management.OperatingSystemMXBean bean =
                ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
        return new Machine(
                processorName(),
                Runtime.getRuntime().availableProcessors(),
                bean.getTotalMemorySize(),
                String.join(
                        " ",
                        System.getProperty("os.name"),
                        System.getProperty("os.version"),
                        System.getProperty("os.arch")),
                System.getProperty("java.vendor") + " " + System.getProperty("java.version"));
    }

    /** Java does not know it; Linux has it in a file. */
    private static String processorName() {
        try (Stream<String> lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.replaceFirst("[^:]*:\\s*", ""))
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
