#!/usr/bin/env python3
"""One peer with one model: a process of its own, so that its threads disturb nobody. Used by peers.py.

Usage: peer_worker.py ort|openvino MODEL SAMPLES.npy THREADS BATCH

Prints {"ready": ...}; then, for each line of seconds that it reads, the images per second of single samples and of
batches (where BATCH is above 1), with the processor time of all threads.
"""
import concurrent.futures
import json
import statistics
import sys
import threading
import time

import numpy as np


class Ort:
    """All optimisations, one thread pool of THREADS threads, sequential operators: its defaults but the threads.
    Batches: one after the other, and two at a time on two sessions of half of the threads each."""

    def __init__(self, model, threads, batch):
        self.session = self.open(model, threads)
        self.input = self.session.get_inputs()[0].name
        self.halves = [self.open(model, threads // 2) for _ in range(2)] if batch > 1 and threads > 1 else []

    @staticmethod
    def open(model, threads):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def one(self, sample):
        self.session.run(None, {self.input: sample})

    def ways(self):
        return [(self.one_batch, 1)] + ([(self.two_batches, 1)] if self.halves else [])

    def one_batch(self, chunks, ended):
        for chunk in chunks:
            self.one(chunk)
            ended()

    def two_batches(self, chunks, ended):
        lock = threading.Lock()

        def caller(session):
            while True:
                with lock:
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                session.run(None, {self.input: chunk})
                with lock:
                    ended()

        with concurrent.futures.ThreadPoolExecutor(2) as callers:
            for done in [callers.submit(caller, session) for session in self.halves]:
                done.result()


class OpenVino:
    """Compiled twice: with the latency hint for single samples; for throughput with the throughput hint and a queue of
    requests of one sample each, and as batches with the latency hint, two of them queued, whichever is faster."""

    def __init__(self, model, threads, batch):
        import openvino as ov
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
        self.batch = batch
        if batch > 1:
            shape[0] = batch
            network.reshape(shape)
            self.batched = core.compile_model(network, "CPU", {**base, "PERFORMANCE_HINT": "LATENCY"})
            self.batches = ov.AsyncInferQueue(self.batched, 2)

    def one(self, sample):
        self.request.infer([sample], share_inputs=True)

    def ways(self):
        return [(self.samples_queued, self.batch), (self.batches_queued, 1)]

    def samples_queued(self, chunks, ended):
        self.feed(self.queue, (chunk[i : i + 1] for chunk in chunks for i in range(len(chunk))), ended)

    def batches_queued(self, chunks, ended):
        self.feed(self.batches, chunks, ended)

    @staticmethod
    def feed(queue, inputs, ended):
        queue.set_callback(lambda request, data: ended())
        for x in inputs:
            queue.start_async([x], share_inputs=True)
        queue.wait_all()


def latency(peer, singles, seconds):
    """(samples/s, processor ms a sample) over single samples that last `seconds` together, at least five: by the median,
    and the mean of the processor time, which some systems count in ticks longer than a sample."""
    wall = []
    cpu_begin, begin = time.process_time(), time.perf_counter()
    while len(wall) < 5 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        peer.one(singles[len(wall) % len(singles)])
        wall.append(time.perf_counter() - start)
    return 1 / statistics.median(wall), (time.process_time() - cpu_begin) / len(wall) * 1e3


def throughput(way, pieces, chunks, seconds):
    """The same of batches, one queued while another runs: over the spans of two batches, from the end of one to the end
    of the next but one, at least five. `pieces`: what `way` reports as ended of a batch."""
    ends = []
    begin = time.perf_counter()
    count = 0

    def ended():
        nonlocal count
        count += 1
        if count % pieces == 0:
            ends.append((time.perf_counter(), time.process_time()))

    def endless():
        i = 0
        while len(ends) < 7 or time.perf_counter() - begin < seconds:
            yield chunks[i % len(chunks)]
            i += 1

    way(endless(), ended)
    span = statistics.median(b[0] - a[0] for a, b in zip(ends, ends[2:])) / 2
    images = len(chunks[0])
    return images / span, (ends[-1][1] - ends[0][1]) / (len(ends) - 1) / images * 1e3


def main():
    engine, model, samples, threads, batch = sys.argv[1], sys.argv[2], np.load(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    peer = {"ort": Ort, "openvino": OpenVino}[engine](model, threads, batch)
    chunks = [np.ascontiguousarray(samples[i : i + batch]) for i in range(0, len(samples) - batch + 1, batch)]
    singles = [np.ascontiguousarray(samples[i : i + 1]) for i in range(len(samples))]
    peer.one(singles[0])
    print(json.dumps({"ready": engine}), flush=True)
    for line in sys.stdin:
        seconds = float(line)
        single = many = latency(peer, singles, seconds)
        if batch > 1:
            many = max(throughput(way, pieces, chunks, seconds) for way, pieces in peer.ways())
        print(json.dumps({"latency": single[0], "latency_cpu_ms": single[1], "throughput": many[0],
                          "throughput_cpu_ms": many[1]}), flush=True)


if __name__ == "__main__":
    main()
