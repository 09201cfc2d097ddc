#!/usr/bin/env python3
"""One peer with one model: a process of its own, so that its threads disturb nobody. Used by peers.py.

Usage: peer_worker.py ort|openvino MODEL SAMPLES.npy THREADS BATCH

Prints {"ready": ...}; then, for each line of seconds that it reads, the images per second of single samples and of
batches, with the processor time of all threads.
"""
import json
import statistics
import sys
import time

import numpy as np


class Ort:
    """All optimisations, one thread pool of THREADS threads, sequential operators: its defaults but the threads."""

    def __init__(self, model, threads, batch):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.batch = batch

    def one(self, sample):
        self.session.run(None, {self.input: sample})

    def many(self, samples):
        self.session.run(None, {self.input: samples})

    def finish(self):
        pass


class OpenVino:
    """Compiled twice: with the latency hint for single samples; for throughput with the throughput hint and a queue of
    requests of one sample each, and as one batch with the latency hint, whichever is faster."""

    def __init__(self, model, threads, batch):
        import openvino as ov
        self.batch = batch
        core = ov.Core()
        network = core.read_model(model)
        shape = network.input(0).partial_shape
        shape[0] = 1
        network.reshape(shape)
        base = {"INFERENCE_NUM_THREADS": threads}
        self.single = core.compile_model(network, "CPU", {**base, "PERFORMANCE_HINT": "LATENCY"})
        self.request = self.single.create_infer_request()
        self.streams = core.compile_model(network, "CPU", {**base, "PERFORMANCE_HINT": "THROUGHPUT"})
        self.queue = ov.AsyncInferQueue(self.streams)
        self.batched = None
        if batch > 1:
            shape[0] = batch
            network.reshape(shape)
            self.batched = core.compile_model(network, "CPU", {**base, "PERFORMANCE_HINT": "LATENCY"}).create_infer_request()

    def one(self, sample):
        self.request.infer([sample], share_inputs=True)

    def many(self, samples):
        """Returns when the last sample has begun: the next batch follows without a pause, `finish` waits for the rest."""
        for i in range(len(samples)):
            self.queue.start_async([samples[i : i + 1]], share_inputs=True)

    def finish(self):
        self.queue.wait_all()

    def many_batched(self, samples):
        self.batched.infer([samples], share_inputs=True)


def rate(call, images, seconds, finish):
    """(images/s, processor ms an image): medians over calls that last `seconds` together, at least five; what they left
    running is awaited by `finish`."""
    wall, cpu = [], []
    begin = time.perf_counter()
    while len(wall) < 5 or time.perf_counter() - begin < seconds:
        cpu_start, start = time.process_time(), time.perf_counter()
        call(len(wall))
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    finish()
    return images / statistics.median(wall), statistics.median(cpu) / images * 1e3


def main():
    engine, model, samples, threads, batch = sys.argv[1], sys.argv[2], np.load(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    peer = {"ort": Ort, "openvino": OpenVino}[engine](model, threads, batch)
    chunks = [np.ascontiguousarray(samples[i : i + batch]) for i in range(0, len(samples) - batch + 1, batch)]
    singles = [np.ascontiguousarray(samples[i : i + 1]) for i in range(len(samples))]
    ways = [peer.many] + ([peer.many_batched] if getattr(peer, "batched", None) else [])
    peer.one(singles[0])
    for way in ways:
        way(chunks[0])
    peer.finish()
    print(json.dumps({"ready": engine}), flush=True)
    for line in sys.stdin:
        seconds = float(line)
        latency = rate(lambda i: peer.one(singles[i % len(singles)]), 1, seconds, peer.finish)
        through = max(rate(lambda i, way=way: way(chunks[i % len(chunks)]), batch, seconds, peer.finish) for way in ways)
        print(json.dumps({"latency": latency[0], "latency_cpu_ms": latency[1], "throughput": through[0],
                          "throughput_cpu_ms": through[1]}), flush=True)


if __name__ == "__main__":
    main()
