/* One side of compare_llama_cpp.py: llama.cpp, or a fork of it, that runs the tests that it is asked for, one a line.
 *
 *     cc -O2 benches/beside_llama_cpp.c -o beside -I SOURCE/include -I SOURCE/ggml/include \
 *         -L LIBRARIES -Wl,-rpath,LIBRARIES -lllama -lggml          (newer builds: and -lggml-base -lggml-cpu)
 *
 * `ldd beside` shows whether it found the libraries that were meant; those of one build may name the folder of another. For the
 * fork ik_llama.cpp add -DIK; it then knows the option --repack, which rearranges weights at load and puts them on huge pages.
 *
 * `beside [--repack] MODEL THREADS` prints `ready` when the model is loaded; then `pp512` reads a prompt of 512 tokens, `tg32`
 * generates 32, `tg32@d2048xb8` for 8 sequences at once that hold 2,048 tokens each. The answer is how many seconds it took.
 *
 * Each test has a context of its own, as large as it needs, so that no test pays for what another one stored. Prompts that lie
 * before a test are read once, when it is asked for first. Everything else is as the program's own default has it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llama.h"

enum { MOST_TESTS = 16, STEP = 512 };

struct test {
    int prompt, tokens, depth, sequences;
    struct llama_context *context;
};

static void fail(const char *what) {
    fprintf(stderr, "beside: %s\n", what);
    exit(1);
}

static void quiet(enum ggml_log_level level, const char *text, void *data) {
    (void)data;
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

/* pp512, tg32, tg32@d2048, tg32xb8, tg32@d2048xb8 */
static int parse(const char *line, struct test *test) {
    *test = (struct test){.sequences = 1};
    int used = 0;
    if (sscanf(line, "pp%d%n", &test->prompt, &used) == 1) {
        return line[used] == 0 && test->prompt > 0;
    }
    if (sscanf(line, "tg%d%n", &test->tokens, &used) != 1) {
        return 0;
    }
    line += used;
    used = 0;
    if (sscanf(line, "@d%d%n", &test->depth, &used) == 1) {
        line += used;
    }
    used = 0;
    if (sscanf(line, "xb%d%n", &test->sequences, &used) == 1) {
        line += used;
    }
    return *line == 0 && test->tokens > 0 && test->depth >= 0 && test->sequences > 0;
}

static struct llama_context *context_for(struct llama_model *model, const struct test *test, int threads) {
    struct llama_context_params params = llama_context_default_params();
    const int each = test->prompt + test->depth + test->tokens;
    params.n_ctx = (each + 255) / 256 * 256 * test->sequences;
    params.n_batch = params.n_ubatch = STEP;
    params.n_seq_max = test->sequences;
    params.n_threads = params.n_threads_batch = threads;
    struct llama_context *context = llama_init_from_model(model, params);
    if (!context) {
        fail("no memory for a test");
    }
    return context;
}

/* Positions `first` to `end` of each sequence; all of a sequence in a step, or, while generating, one of each. */
static void decode(struct llama_context *context, int vocab, int sequence, int sequences, int first, int end) {
    struct llama_batch batch = llama_batch_init((end - first) * sequences, 0, 1);
    for (int s = sequence; s < sequence + sequences; s++) {
        for (int position = first; position < end; position++) {
            const int i = batch.n_tokens++;
            batch.token[i] = (int)((long long)position * 7919 % vocab);
            batch.pos[i] = position;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = s;
            batch.logits[i] = position + 1 == end;
        }
    }
    if (llama_decode(context, batch) != 0) {
        fail("llama_decode failed");
    }
    llama_synchronize(context);
    llama_batch_free(batch);
}

static void read_prompt(struct llama_context *context, int vocab, int sequence, int end) {
    for (int first = 0; first < end; first += STEP) {
        decode(context, vocab, sequence, 1, first, first + STEP < end ? first + STEP : end);
    }
}

/* Leaves the first `depth` positions of each sequence. */
static void forget(const struct test *test) {
    for (int s = 0; s < test->sequences; s++) {
#ifdef IK
        llama_kv_cache_seq_rm(test->context, s, test->depth, -1);
#else
        llama_memory_seq_rm(llama_get_memory(test->context), s, test->depth, -1);
#endif
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static double run(const struct test *test, int vocab) {
    forget(test);
    const double start = seconds();
    if (test->prompt) {
        read_prompt(test->context, vocab, 0, test->prompt);
    }
    for (int step = 0; step < test->tokens; step++) {
        decode(test->context, vocab, 0, test->sequences, test->depth + step, test->depth + step + 1);
    }
    return seconds() - start;
}

/* The test of this name, its prompts read. */
static const struct test *find(struct test *tests, int *count, const char *name, struct llama_model *model, int threads, int vocab) {
    struct test asked;
    if (!parse(name, &asked)) {
        fail("a test is pp512, tg32, tg32@d2048, tg32xb8 or tg32@d2048xb8");
    }
    for (int i = 0; i < *count; i++) {
        const struct test *test = &tests[i];
        if (test->prompt == asked.prompt && test->tokens == asked.tokens && test->depth == asked.depth && test->sequences == asked.sequences) {
            return test;
        }
    }
    if (*count == MOST_TESTS) {
        fail("too many tests");
    }
    asked.context = context_for(model, &asked, threads);
    for (int s = 0; s < asked.sequences; s++) {
        read_prompt(asked.context, vocab, s, asked.depth);
    }
    tests[*count] = asked;
    return &tests[(*count)++];
}

int main(int argc, char **argv) {
    int repack = 0;
    if (argc > 1 && strcmp(argv[1], "--repack") == 0) {
        repack = 1;
        argc--, argv++;
    }
    const int threads = argc == 3 ? atoi(argv[2]) : 0;
    if (threads < 1) {
        fail("usage: beside [--repack] MODEL THREADS");
    }
    llama_log_set(quiet, NULL);
    llama_backend_init();
    struct llama_model_params params = llama_model_default_params();
#ifdef IK
    params.repack_tensors = params.use_thp = repack;
    params.use_mmap = !repack;
#else
    if (repack) {
        fail("this build has no --repack");
    }
#endif
    struct llama_model *model = llama_model_load_from_file(argv[1], params);
    if (!model) {
        fail("the model cannot be loaded");
    }
    const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    puts("ready");
    fflush(stdout);

    struct test tests[MOST_TESTS];
    int count = 0;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        printf("%.9f\n", run(find(tests, &count, line, model, threads, vocab), vocab));
        fflush(stdout);
    }
    return 0;
}
