package io.github.remoe;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process, after Java's heap was collected. Needs Linux. */
public final class ProcessMemory {

    private ProcessMemory() {}

    /** What is resident, Java's heap and PyTorch's memory together, in bytes. */
    public static long resident() throws IOException {
        System.gc();
        return 1024
                * Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                        .findFirst()
                        .orElseThrow();
    }

    /** What is in use of Java's heap, in bytes. */
    public static long heap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
