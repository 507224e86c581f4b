import {
  createCelery,
  type GroupResult,
  isFailure,
  isSuccess,
  type ResultNode,
  type TaskFailure,
  type TaskResult,
} from "@dynakv/client/celery";
import type { Entry } from "@dynakv/client/web";
import { useEffect, useState } from "preact/hooks";
import { besideList, linkTo } from "../routing/route.js";
import { VisibleText } from "../ui/visible-text.js";
import type { CeleryKey } from "./celery-key.js";
import { parseJsonLines } from "./json-lines.js";
import { JsonValue } from "./json-value.js";
import { toReadableJson } from "./python-json-text.js";
import { counted } from "./sizes.js";
import { localTime } from "./times.js";

type Read =
  | { readonly kind: "task"; readonly task: TaskResult }
  | { readonly kind: "group"; readonly group: GroupResult }
  | { readonly kind: "failed"; readonly message: string };

export interface CeleryValueProps {
  readonly entry: Entry;
  readonly celeryKey: CeleryKey;
}

/** What one of Celery's workers has stored: a task, or a group of them. */
export function CeleryValue({ entry, celeryKey }: CeleryValueProps) {
  const [read, setRead] = useState<Read | undefined>();
  useEffect(() => {
    let isWanted = true;
    void readStored(entry, celeryKey).then((found) => {
      if (isWanted) {
        setRead(found);
      }
    });
    return () => {
      isWanted = false;
    };
  }, [entry]);
  switch (read?.kind) {
    case undefined:
      return <p class="hint">Reading…</p>;
    case "failed":
      return <p class="hint">{read.message}</p>;
    case "task":
      return <Task task={read.task} celeryKey={celeryKey} />;
    case "group":
      return (
        <div class="celery">
          <h3>Group of {read.group.taskIds.length} tasks</h3>
          <Nodes nodes={read.group.results} celeryKey={celeryKey} />
        </div>
      );
  }
}

/** The reader of the client, given the entry that is here already. */
async function readStored(entry: Entry, { kind, id }: CeleryKey): Promise<Read> {
  const celery = createCelery({ get: async () => entry });
  try {
    if (kind === "group") {
      const group = await celery.group(id);
      return group === undefined ? { kind: "failed", message: "The group is gone." } : { kind, group };
    }
    const task = await celery.task(id);
    return task === undefined ? { kind: "failed", message: "The task is gone." } : { kind: "task", task };
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

function Task({ task, celeryKey }: { readonly task: TaskResult; readonly celeryKey: CeleryKey }) {
  const { status, taskId, dateDone, groupId, parentId, childResults, extended } = task;
  const mood = isSuccess(task) ? "good" : isFailure(task) ? "bad" : "";
  return (
    <div class="celery">
      <p class="celery-status">
        <span class={`state ${mood}`}>{status}</span>
        {extended?.name !== undefined && <VisibleText text={extended.name} />}
      </p>
      <dl class="facts">
        <div>
          <dt>Task</dt>
          <dd class="mono">
            <VisibleText text={taskId} />
          </dd>
        </div>
        {dateDone !== undefined && (
          <div>
            <dt>Ended</dt>
            <dd>{localTime(dateDone)}</dd>
          </div>
        )}
        {extended?.worker !== undefined && (
          <div>
            <dt>Worker</dt>
            <dd class="mono">
              <VisibleText text={extended.worker} />
              {extended.retries !== undefined &&
                extended.retries > 0 &&
                `, after ${counted(extended.retries, "retry", "retries")}`}
            </dd>
          </div>
        )}
        {groupId !== undefined && (
          <div>
            <dt>Group</dt>
            <dd>
              <KeyLink id={groupId} to={celeryKey.sibling("group", groupId)} />
            </dd>
          </div>
        )}
        {parentId !== undefined && (
          <div>
            <dt>Parent</dt>
            <dd>
              <KeyLink id={parentId} to={celeryKey.sibling("task", parentId)} />
            </dd>
          </div>
        )}
      </dl>
      {isSuccess(task) ? (
        <Part title="Result" value={task.result} />
      ) : isFailure(task) ? (
        <Exception task={task} />
      ) : (
        <Part title="Progress" value={(task as { readonly progress: unknown }).progress} />
      )}
      {extended?.args !== undefined && (
        <Part title="Arguments" value={{ args: extended.args, kwargs: extended.kwargs }} />
      )}
      {childResults.length > 0 && (
        <section aria-label="Children">
          <h3>Children</h3>
          <Nodes nodes={childResults} celeryKey={celeryKey} />
        </section>
      )}
    </div>
  );
}

function Exception({ task: { error } }: { readonly task: TaskFailure }) {
  return (
    <section aria-label="Exception">
      <h3>
        <VisibleText text={error.module === undefined ? error.type : `${error.module}.${error.type}`} />
      </h3>
      {error.message.map((part, index) => (
        <p key={index} class="exception">
          <VisibleText text={typeof part === "string" ? part : toReadableJson(part)} keepLines />
        </p>
      ))}
      {error.traceback !== undefined && (
        <div class="snippet traceback" role="region" tabIndex={0} aria-label="Traceback">
          <pre>
            <VisibleText text={error.traceback} keepLines />
          </pre>
        </div>
      )}
    </section>
  );
}

function Part({ title, value }: { readonly title: string; readonly value: unknown }) {
  const parsed = parseJsonLines(toReadableJson(value));
  return (
    <div class="celery-part">
      <h3>{title}</h3>
      {parsed.lines !== undefined && <JsonValue lines={parsed.lines} label={title} />}
    </div>
  );
}

function Nodes({ nodes, celeryKey }: { readonly nodes: readonly ResultNode[]; readonly celeryKey: CeleryKey }) {
  return (
    <ul class="nodes">
      {nodes.map((node) => (
        <li key={node.id}>
          <KeyLink id={node.id} to={celeryKey.sibling(node.kind, node.id)} />
          {node.kind === "group" && (
            <>
              <span class="tag">group</span>
              <Nodes nodes={node.results} celeryKey={celeryKey} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

function KeyLink({ id, to }: { readonly id: string; readonly to: string }) {
  return (
    <a class="mono" href={linkTo(besideList(to))}>
      <VisibleText text={id} />
    </a>
  );
}
