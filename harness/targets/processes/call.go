package processes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// callFailover is the runbook step of an operator who tells the controller to fail over.
const callFailover = "failover"

// callTimeout bounds one call to the controller.
const callTimeout = 3 * time.Second

// call tells the controller to fail over, as its operator would: over HTTP, with the operator's token.
func (r *run) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.listen["outside.controller"]+"/failover", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.secrets[callToken])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes)) // the status alone is enough of an error
		return fmt.Errorf("the controller answers %s: %s", resp.Status, answer)
	}
	return nil
}
