import { invalidParameter, operationFailed, taskDoesNotExist } from '../errors';
import { MAX_ID_LENGTH, type Operation } from '../operation';

/**
 * `DELETE /v1/{project_id}/thumbnails?task_id=…`: cancels a queued task. Running and finished tasks cannot be
 * cancelled. A second cancellation is refused like any other late one (our choice).
 */
export const deleteThumbnailsTask: Operation = ({ query }, { tasks, behaviour, clock }) => {
  const ids = query.getAll('task_id');
  const [id] = ids;
  if (id === undefined || ids.length > 1 || id === '' || id.length > MAX_ID_LENGTH) {
    throw invalidParameter(
      `task_id is required once, with 1 to ${MAX_ID_LENGTH} characters: ${ids.join(', ')}`,
    );
  }
  const task = tasks.get(id);
  if (task === undefined) throw taskDoesNotExist(behaviour.unknownTaskStatus, id);
  if (task.status !== 'WAITING') {
    const detail = `task ${id} is ${task.status}; only a WAITING task can be cancelled`;
    throw behaviour.lateCancel === 'MPC.10202' ? invalidParameter(detail) : operationFailed(detail);
  }
  tasks.cancel(task, clock());
  return { status: 204 };
};
