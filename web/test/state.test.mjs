import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from './modules.mjs';

const { MAX_LINES, MAX_OUTPUT, MAX_STEPS, codePoints, initial, isTerminal, reduce } = await load('state.js');

/** The state after `events`, `[type, data]` each; `n` and `at` count up unless they are given. */
function after(events, state = initial('t1')) {
  return events.reduce((before, [type, data = {}]) => {
    const n = before.n + 1;
    return reduce(before, type, { n, at: 100 + n, attempt: 1, ...data }, data.now ?? 1000);
  }, state);
}

const tick = (fields = {}) => ['progress', { status: 'processing', ...fields }];
const chunk = (text, offset, fields = {}) => ['chunk', { text, offset, ...fields }];
const failed = (attempt, fields = {}) => ['progress', { status: 'retrying', attempt, error: { type: 'Boom', message: 'no', ...fields } }];

test('a state is not changed by an event', () => {
  const before = Object.freeze(after([tick({ step: 'a' })]));
  const text = JSON.stringify(before);
  after([tick({ step: 'b' }), chunk('x', 0), ['log', { message: 'm' }]], before);
  assert.equal(JSON.stringify(before), text);
});

test('progress replaces what was shown before', () => {
  const state = after([tick({ progress: 10, done: 1, total: 10, unit: 'rows', message: 'm', eta: 9, rate: 1 }), tick({ progress: 20 })]);
  assert.equal(state.progress, 20);
  assert.deepEqual([state.done, state.total, state.unit, state.message, state.eta, state.rate], [undefined, undefined, '', '', undefined, undefined]);
});

test('the latest checkpoint is kept until an event has none', () => {
  const failed = after([tick({ checkpoint: 4 }), ['progress', { status: 'error', checkpoint: 9 }]]);
  assert.deepEqual([after([tick()]).checkpoint, failed.checkpoint], [0, 9]);
  assert.equal(after([['progress', { status: 'completed' }]], failed).checkpoint, 0);
});

test('the run begins with the first event of the first attempt', () => {
  const state = after([['progress', { status: 'queued' }], tick(), failed(1), tick({ attempt: 2 })]);
  assert.equal(state.started, 102);
});

test('terminal states are those from which nothing follows', () => {
  const ends = (status) => isTerminal(after([['progress', { status }]]));
  assert.deepEqual(['queued', 'processing', 'retrying', 'completed', 'error', 'cancelled'].map(ends), [false, false, false, true, true, true]);
});

describe('numbers of events', () => {
  test('a repeated event changes nothing but its count', () => {
    const before = after([tick({ progress: 50 })]);
    const state = reduce(before, 'progress', { n: 1, at: 999, attempt: 1, status: 'error' }, 0);
    assert.deepEqual(state, { ...before, repeated: 1 });
  });

  test('a jump before a tick is a merge, before anything else a hole', () => {
    assert.equal(after([tick(), tick({ n: 5 })]).merged, 3);
    const state = after([tick(), ['log', { n: 5, message: 'm' }]]);
    assert.deepEqual([state.merged, state.missed], [0, 3]);
  });

  test('after a reset the first event may have any number', () => {
    const state = after([tick({ progress: 50, step: 'a' }), ['reset', { reason: 'trimmed' }], ['log', { n: 40, message: 'm' }]]);
    assert.deepEqual([state.missed, state.resets, state.resetReason, state.progress, state.steps.length], [0, 1, 'trimmed', 0, 0]);
    assert.equal(state.fresh, false);
  });

  test('tallies outlive a reset', () => {
    const state = after([tick(), tick({ n: 5 }), ['log', { n: 7, message: 'm' }], ['reset', {}]]);
    assert.deepEqual([state.merged, state.missed, state.n, state.task], [3, 1, 0, 't1']);
  });

  test('an event of an unknown type is ignored', () => {
    for (const type of ['novelty', 'toString', '__proto__']) {
      const before = after([tick()]);
      assert.equal(reduce(before, type, { n: 9 }, 0), before);
    }
  });
});

describe('silence', () => {
  test('is counted back from now, and ended by whatever comes', () => {
    const silent = after([tick(), ['stalled', { seconds: 20, now: 500 }]]);
    assert.equal(silent.stalledSince, 480);
    for (const event of [['hello'], ['resumed'], ['stalled', { seconds: 0 }], tick(), ['log', { message: 'm' }]]) {
      assert.equal(after([event], silent).stalledSince, null, event[0]);
    }
  });
});

describe('steps', () => {
  const shown = ({ steps }) => steps.map(({ name, start, end, outcome }) => [name, start, end, outcome]);

  test('a new name closes the step before it', () => {
    assert.deepEqual(shown(after([tick({ step: 'a' }), tick({ step: 'a' }), tick({ step: 'b' })])), [
      ['a', 101, 103, 'done'], ['b', 103, null, 'active'],
    ]);
  });

  test('a step whose first ticks were merged began after the event before', () => {
    assert.deepEqual(shown(after([tick({ step: 'a' }), tick({ step: 'b', n: 9 })])), [['a', 101, 101, 'done'], ['b', 101, null, 'active']]);
  });

  for (const [status, outcome] of [['completed', 'done'], ['error', 'error'], ['cancelled', 'cancelled']]) {
    test(`${status} closes the last step as ${outcome}, with its last count`, () => {
      const state = after([tick({ step: 'a', done: 1 }), ['progress', { status, step: 'a', done: 7, unit: 'rows' }]]);
      assert.deepEqual(shown(state), [['a', 101, 102, outcome]]);
      assert.deepEqual([state.steps[0].done, state.steps[0].unit], [7, 'rows']);
    });
  }

  test('a failed attempt closes its step, and the next attempt has its own', () => {
    assert.deepEqual(shown(after([tick({ step: 'a' }), failed(1), tick({ step: 'a', attempt: 2 })])), [
      ['a', 101, 102, 'retrying'], ['a', 103, null, 'active'],
    ]);
    // The event of the failure may be missing: then the first tick of the next attempt ends the step.
    assert.deepEqual(shown(after([tick({ step: 'a' }), tick({ attempt: 2 })])), [['a', 101, 102, 'retrying']]);
  });

  test('only the newest steps are kept', () => {
    const { steps } = after(Array.from({ length: MAX_STEPS + 5 }, (_, index) => tick({ step: `s${index}` })));
    assert.deepEqual([steps.length, steps[0].name, steps.at(-1).name], [MAX_STEPS, 's5', `s${MAX_STEPS + 4}`]);
  });
});

test('the total of a step that grows is noted, and forgotten in the next step', () => {
  const grown = after([tick({ step: 'a', total: 10 }), tick({ step: 'a', total: 20 })]);
  assert.equal(grown.grew, 102);
  assert.equal(after([tick({ step: 'a', total: 20 })], grown).grew, 102);
  assert.equal(after([tick({ step: 'b', total: 30 })], grown).grew, 0);
});

test('failures of attempts are kept, one each', () => {
  const { failures } = after([tick(), failed(1), failed(1, { message: 'again' }), tick({ attempt: 2 }), failed(2, { traceback: 'tb' })]);
  assert.deepEqual(failures, [
    { attempt: 1, message: 'Boom: again', traceback: '' },
    { attempt: 2, message: 'Boom: no', traceback: 'tb' },
  ]);
});

describe('output', () => {
  test('chunks are joined, and what was shown already is not shown twice', () => {
    const { output } = after([chunk('abc', 0), chunk('cde', 2), chunk('bc', 1)]);
    assert.deepEqual([output.text, output.end, output.holes], ['abcde', 5, 0]);
  });

  test('a gap is counted', () => {
    const { output } = after([chunk('abc', 0), chunk('x', 10)]);
    assert.deepEqual([output.text, output.end, output.holes], ['abcx', 11, 7]);
  });

  test('offsets count code points', () => {
    const { output } = after([chunk('a\u{1f600}', 0), chunk('\u{1f600}b', 1)]);
    assert.deepEqual([output.text, output.end], ['a\u{1f600}b', 3]);
  });

  test('a new attempt begins with nothing, and one that is over adds nothing', () => {
    const { output } = after([chunk('old', 0), chunk('new', 0, { attempt: 2 }), chunk('late', 3)]);
    assert.deepEqual([output.text, output.attempt], ['new', 2]);
    assert.equal(after([chunk('old', 0), tick({ attempt: 2 })]).output.text, '');
  });

  test('of a long output the newest part is kept, and what was cut is counted', () => {
    const half = 'x'.repeat(MAX_OUTPUT);
    const { output } = after([chunk(half, 0), chunk(half, MAX_OUTPUT), chunk('y', 2 * MAX_OUTPUT)]);
    assert.deepEqual([output.text.length, output.cut, output.end, output.text.at(-1)], [MAX_OUTPUT, MAX_OUTPUT + 1, 2 * MAX_OUTPUT + 1, 'y']);
  });
});

test('text beside the output is kept by channel, until another attempt begins', () => {
  const aside = (channel, text, offset, fields = {}) => ['aside', { channel, text, offset, ...fields }];
  const state = after([tick(), aside('reasoning', 'hm', 0), chunk('yes', 0), aside('__proto__', 'x', 0), aside('reasoning', 'm!', 1)]);
  assert.equal(state.output.text, 'yes');
  assert.deepEqual([...state.asides].map(([channel, { text, end }]) => [channel, text, end]), [['reasoning', 'hm!', 3], ['__proto__', 'x', 1]]);
  assert.equal(after([tick({ attempt: 2 })], state).asides.size, 0);
});

test('surrogate pairs count once, and lone halves as themselves', () => {
  assert.deepEqual(['', 'ab', '\u{1f600}', '\ud83d', '\ude00\ud83d', 'a\u{1f600}b\u{1f600}'].map(codePoints), [0, 2, 1, 1, 2, 4]);
});

test('of a flood of log lines the newest are kept and the rest is counted', () => {
  const { lines, linesLeftOut } = after(Array.from({ length: MAX_LINES + 3 }, (_, index) => ['log', { message: String(index) }]));
  assert.deepEqual([lines.length, lines[0].message, linesLeftOut], [MAX_LINES, '3', 3]);
  assert.deepEqual(lines[0], { n: 4, at: 104, level: 'info', message: '3', logger: '' });
});

test('a request to cancel keeps its reason, also an empty one', () => {
  assert.equal(after([tick()]).cancelReason, null);
  assert.equal(after([tick(), ['cancel', {}]]).cancelReason, '');
  assert.equal(after([tick(), ['cancel', { reason: 'wrong url' }]]).cancelReason, 'wrong url');
});
