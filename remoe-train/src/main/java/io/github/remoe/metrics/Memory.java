package io.github.remoe.metrics;

import ai.djl.Device;
import ai.djl.util.cuda.CudaUtils;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The memory that a training uses, in MiB. */
final class Memory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final double KIB = 1 << 10;
    private static final double MIB = 1 << 20;

    private Memory() {}

    /** The process's resident set; NaN where there is no Linux. */
    static double resident() {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / KIB)
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException e) {
            return Double.NaN;
        }
    }

    static double heap() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / MIB;
    }

    /** What is in use on all of some GPUs; NaN without one. */
    static double gpu(List<Device> devices) {
        if (!devices.stream().allMatch(Device::isGpu) || !CudaUtils.hasCuda()) {
            return Double.NaN;
        }
        return devices.stream()
                .distinct()
                .mapToDouble(device -> CudaUtils.getGpuMemory(device).getUsed() / MIB)
                .sum();
    }
}
