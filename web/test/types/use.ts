// A use of the types that openapi-typescript makes of the OpenAPI document. Lines with @ts-expect-error must be errors.
import type { components, operations, paths } from './headway';

type Schemas = components['schemas'];
type Events = Schemas['StreamEvents'];

export async function submit(kind: string): Promise<Schemas['AcceptedTask']> {
  const body: Schemas['Submission'] = { kind, params: { max_pages: 5 } };
  const reply = await fetch('/api/v1/tasks', { method: 'POST', body: JSON.stringify(body) });
  if (reply.ok) return reply.json();
  const problem: paths['/api/v1/tasks']['post']['responses'][422]['content']['application/problem+json'] =
    await reply.json();
  throw new Error(problem.errors?.[0]?.detail ?? problem.detail ?? problem.title);
}

export function watch(source: EventSource, show: (percent: number, text: string) => void): void {
  const on = <Name extends keyof Events>(name: Name, handle: (data: Events[Name]) => void): void =>
    source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data)));
  on('message', (state) => {
    show(state.progress, `${state.step} ${state.message}`);
    if (state.status === 'error') show(state.progress, state.error?.message ?? '');
    // @ts-expect-error: not a state of the log
    if (state.status === 'SUCCESS') show(100, '');
  });
  on('chunk', (chunk) => show(0, chunk.text.slice(chunk.offset)));
  on('reset', (reset) => show(0, `${reset.task}: ${reset.reason}`));
  on('hello', (hello) => show(0, hello.tasks.join(hello.server)));
  // @ts-expect-error: not an event of a stream
  on('done', () => show(100, ''));
}

export const celery: Schemas['CeleryProgress']['status'] = 'SUCCESS';
export const query: operations['streamTask']['parameters']['query'] = { from: 'latest', merge: '0' };
export const header: operations['streamTask']['parameters']['header'] = { 'Last-Event-ID': 'k3.1-1' };
// @ts-expect-error: a task has no such field
export const missing = (task: Schemas['Task']): unknown => task.progress;
